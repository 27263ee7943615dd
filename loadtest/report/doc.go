// Package report holds what a run of a load test measured, and shows it: to
// people as one HTML file that needs no network, to programs as JSON, to the
// plotters of HdrHistogram as .hgrm files, and two runs side by side.
//
//	loadtest/run ──> Result ──Save──> NAME.json
//	                    │             NAME.html        open it, send it, keep it
//	                    │             NAME.LATENCY.hgrm
//	NAME.json ──Read──> Result ──┐
//	NAME.json ──Read──> Result ──┴─Compare──> Comparison ──> text, JSON, HTML
//
// A Result is judged by who ran the test; nothing here decides GO or NO-GO.
// What is read may come from anybody: its size, its counts and its histograms
// are limited before memory is asked for.
package report
