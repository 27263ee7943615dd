package main

type loadtestCmd struct {
	Report  loadtestReportCmd  `cmd:"" help:"Draw the reports of results that were stored."`
	Compare loadtestCompareCmd `cmd:"" help:"Hold one result against another, and mark what got worse."`
}
