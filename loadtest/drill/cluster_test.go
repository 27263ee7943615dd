package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBusiest(t *testing.T) {
	of := map[int32]Duties{1: {Leads: 90, Coordinates: 1}, 2: {Leads: 10, Coordinates: 2}}
	require.EqualValues(t, 2, busiest(of, nil), "groups come before partitions")
	require.EqualValues(t, 1, busiest(of, []int32{2}))
	require.EqualValues(t, 3, busiest(of, []int32{2, 1}), "one without duties has its turn too")
	of[1] = Duties{Leads: 11, Coordinates: 2}
	require.EqualValues(t, 1, busiest(of, nil))
}
