package main

import (
	"context"
	"fmt"
)

// Case is one kind of load.
type Case struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
}

func cases(stock int) []Case {
	return []Case{
		{Name: "all accepted", Args: []string{"--accept-all"}},
		{Name: fmt.Sprintf("with refusals, stock of %s a SKU", thousands(float64(stock))), Args: []string{"--stock", fmt.Sprint(stock)}},
	}
}

// rounds runs every contender once, then all of them again, count times, of
// every case. It stops at the first that goes wrong: a table with holes compares
// nothing.
func rounds(ctx context.Context, contenders []Contender, all []Case, count int, lines int64, baseline string, measure func(context.Context, Contender, Case) (Answer, error)) ([]Table, error) {
	var tables []Table
	for _, c := range all {
		t := Table{Case: c, Lines: lines}
		for _, contender := range contenders {
			t.Rows = append(t.Rows, Row{Name: contender.Name})
		}
		for range count {
			for i, contender := range contenders {
				a, err := measure(ctx, contender, c)
				if err != nil {
					return nil, fmt.Errorf("%s, %s: %w", contender.Name, c.Name, err)
				}
				t.Rows[i].Runs = append(t.Rows[i].Runs, a)
			}
		}
		t.Accepted = t.Rows[0].Runs[0].Accepted
		if err := t.checkShares(); err != nil {
			return nil, err
		}
		t.fill(baseline)
		tables = append(tables, t)
	}
	return tables, nil
}
