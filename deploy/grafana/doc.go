// Command grafana writes the Grafana dashboard of Holdfast, holdfast.json beside
// it:
//
//	go run .            in this folder, after a change of panels.go
//
// The dashboard is made by a program, and not by hand in Grafana, so that its
// expressions can be tested: each is parsed as Prometheus would, and each metric
// in it must be one that a node really has (the main module's test writes that
// list). It is a module of its own, because the parser brings half of Prometheus
// along.
//
//	panels.go      what is shown
//	dashboard.go   how Grafana wants it
//	main.go        writes it
package main
