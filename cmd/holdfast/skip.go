package main

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/processor"
	"holdfast/topology"
	"holdfast/topology/record"
)

// cutPlace takes TOPIC/PARTITION@OFFSET apart, as the reason of a halt and tail
// write it.
func cutPlace(text string) (topic string, at processor.Place, err error) {
	slash, ats := strings.LastIndexByte(text, '/'), strings.LastIndexByte(text, '@')
	if slash <= 0 || ats < slash {
		return "", at, fmt.Errorf("%.100q: must be TOPIC/PARTITION@OFFSET", text)
	}
	partition, err1 := strconv.ParseInt(text[slash+1:ats], 10, 32)
	offset, err2 := strconv.ParseInt(text[ats+1:], 10, 64)
	if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return "", at, fmt.Errorf("%.100q: must be TOPIC/PARTITION@OFFSET", text)
	}
	at.Partition, at.Offset = record.Partition(partition), record.Offset(offset)
	return text[:slash], at, nil
}

// skipsOf finds the records that are named, with or without the application's
// prefix, among what the stages read.
func skipsOf(t *topology.Topology, texts []string) (list []processor.Place, err error) {
	inputs := map[string]int32{}
	for i := range t.Stages {
		for _, short := range t.Stages[i].Inputs {
			inputs[t.Name(short)] = t.Lookup(short).Partitions
		}
	}
	for _, text := range texts {
		topic, at, err := cutPlace(text)
		if err != nil {
			return nil, usageErrorf("node.skip: %w", err)
		}
		for _, at.Topic = range []string{topic, t.AppID + "." + topic} {
			if inputs[at.Topic] > 0 {
				break
			}
		}
		if n := inputs[at.Topic]; n == 0 || int32(at.Partition) >= n {
			return nil, usageErrorf("node.skip: %s: no stage reads partition %d of a topic %.249q", text, at.Partition, topic)
		}
		list = append(list, at)
	}
	return list, nil
}
