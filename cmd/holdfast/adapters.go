package main

import (
	"slices"

	"holdfast/channel/shopee"
	"holdfast/channel/shopify"
	"holdfast/topology/record"
)

// adapters returns what reads the channels' own formats, for those of the
// configured channels that have one.
func adapters(channels []string) map[string]record.Adapter {
	known := map[string]record.Adapter{"shopee": shopee.Parse, "shopify": shopify.Parse}
	for name := range known {
		if !slices.Contains(channels, name) {
			delete(known, name)
		}
	}
	return known
}
