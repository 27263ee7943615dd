package main

type loadtestCmd struct {
	Run     loadtestRunCmd     `cmd:"" help:"Send a scenario's load to a running system, and judge what came of it."`
	Report  loadtestReportCmd  `cmd:"" help:"Draw the reports of results that were stored."`
	Compare loadtestCompareCmd `cmd:"" help:"Hold one result against another, and mark what got worse."`
}
