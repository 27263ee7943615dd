// Package schema holds the JSON Schemas (draft 2020-12) of all public records.
// They are made from the types of package record by this package's test, which
// fails when a type and its schema have drifted apart; -update writes them anew.
//
//	record.OrderInput, … ──(test: reflection, comments of the source)──> *.json ──embedded──> JSON("order.events")
package schema
