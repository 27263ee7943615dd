package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// writeText prints a table. Partitions of a topic that stand alike are one row.
func (r *statusReport) writeText(w io.Writer) error {
	fmt.Fprintf(w, "Application %s: %s\n", r.AppID, lagWords(r.LagRecords, r.LagSeconds))
	for _, n := range r.Nodes {
		if n.Error != "" {
			fmt.Fprintf(w, "The node at %s was asked and didn't answer: %s\n", n.Address, n.Error)
		}
	}
	for i := range r.Stages {
		s := &r.Stages[i]
		fmt.Fprintf(w, "\n%s: %s in group %s (%s), %s\n", s.Stage, countOf(s.Members, "member"), s.Group,
			cmp.Or(strings.ToLower(s.GroupState), "no group"), lagWords(s.LagRecords, s.LagSeconds))
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		head := "  TOPIC\tPARTITIONS\tOWNER\tTO GO\tOLDEST\tSTATE"
		if s.hasStandbys() {
			head += "\tSTANDBYS"
		}
		fmt.Fprintln(table, head)
		for _, row := range s.rows() {
			fmt.Fprintln(table, "  "+strings.Join(row, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func lagWords(records int64, seconds float64) string {
	if records == 0 {
		return "nothing waits"
	}
	return fmt.Sprintf("%s to go, the oldest waits since %s", countOf(int(records), "record"), secondsWords(seconds))
}

func secondsWords(s float64) string {
	if s < 10 {
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	}
	return time.Duration(s * float64(time.Second)).Round(time.Second).String()
}

// rows returns the cells, with neighbours that differ in nothing but the number
// in one row.
func (s *statusStage) rows() (rows [][]string) {
	for i := 0; i < len(s.Partitions); {
		p := &s.Partitions[i]
		k := i + 1
		for k < len(s.Partitions) && p.standsLike(&s.Partitions[k]) {
			k++
		}
		number := strconv.Itoa(int(p.Partition))
		if last := s.Partitions[k-1].Partition; last > p.Partition {
			number += "-" + strconv.Itoa(int(last))
		}
		oldest := ""
		if p.LagRecords > 0 {
			oldest = secondsWords(p.LagSeconds)
		}
		rows = append(rows, []string{p.Topic, number, p.Owner.String(), strconv.FormatInt(p.LagRecords, 10), oldest, p.stateWords()})
		if s.hasStandbys() {
			rows[len(rows)-1] = append(rows[len(rows)-1], p.standbyWords())
		}
		i = k
	}
	return rows
}

func (p *statusPartition) standsLike(q *statusPartition) bool {
	return p.Topic == q.Topic && p.Owner.String() == q.Owner.String() && p.LagRecords == 0 && q.LagRecords == 0 && p.stateWords() == q.stateWords() && p.standbyWords() == q.standbyWords()
}

// String names the owner for a table.
func (o *statusOwner) String() string {
	switch {
	case o == nil:
		return "nobody"
	case o.Instance == "":
		return o.Member
	case o.Worker == "":
		return o.Instance
	}
	return o.Instance + " worker " + o.Worker
}

func (s *statusStage) hasStandbys() bool {
	return slices.ContainsFunc(s.Partitions, func(p statusPartition) bool { return len(p.Standbys) > 0 })
}

// standbyEvenSeconds is how old a standby's last look may be before it is worth a
// word: it looks several times a second.
const standbyEvenSeconds = 1

// standbyWords names who could take the partition over, and what they lack if it
// is more than what is on its way.
func (p *statusPartition) standbyWords() string {
	words := make([]string, 0, len(p.Standbys))
	for _, s := range p.Standbys {
		word := s.Instance
		switch {
		case !s.Whole:
			word += " (begins anew)"
		case s.LagSeconds > standbyEvenSeconds:
			word += fmt.Sprintf(" (%s, %s behind)", countOf(int(s.LagRecords), "record"), secondsWords(s.LagSeconds))
		}
		words = append(words, word)
	}
	return cmp.Or(strings.Join(words, ", "), "none")
}

func (p *statusPartition) stateWords() string {
	switch {
	case p.RecordsLeft > 0 && p.ETASeconds > 0:
		return fmt.Sprintf("%s, %s to read, about %s", p.State, countOf(int(p.RecordsLeft), "record"), secondsWords(p.ETASeconds))
	case p.RecordsLeft > 0:
		return fmt.Sprintf("%s, %s to read", p.State, countOf(int(p.RecordsLeft), "record"))
	case p.Reason != "":
		return p.State + ": " + p.Reason
	}
	return p.State
}
