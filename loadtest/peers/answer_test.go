package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const goodAnswer = `{"bench":"inventory","records":1000,"seconds":0.5,"per_second":2000,"cpu_seconds":0.25,"per_core_second":4000,"rss_mib":64,"accepted":600,"rejected":400}`

func TestParseAnswer(t *testing.T) {
	a, err := ParseAnswer([]byte(goodAnswer+"\n"), 1000)
	require.NoError(t, err)
	require.Equal(t, Answer{Bench: "inventory", Records: 1000, Seconds: 0.5, PerSecond: 2000, CPUSeconds: 0.25, PerCoreSecond: 4000, RSSMiB: 64, Accepted: 600, Rejected: 400}, a)
	require.InDelta(t, 0.6, a.AcceptedShare(), 1e-12)

	a, err = ParseAnswer([]byte(`{
  "bench": "inventory", "records": 3, "lines": 3, "seconds": 1.5, "per_second": 2, "cpu_seconds": 3, "per_core_second": 1,
  "rss_mib": 1, "accepted": 0, "rejected": 3, "transactions": 7, "commit_ms": 1.25
}`), 3)
	require.NoError(t, err)
	require.EqualValues(t, 7, a.Transactions)
	require.Zero(t, a.Accepted, "a zero that is said is a figure")
}

func TestParseAnswerRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := ParseAnswer([]byte(text), 1000)
		require.ErrorContains(t, err, want)
	}
	with := func(old, fresh string) string {
		t.Helper()
		require.Contains(t, goodAnswer, old)
		return replaceOnce(goodAnswer, old, fresh)
	}
	f("", "reading the answer")
	f("warming up\n"+goodAnswer, "reading the answer")
	f(goodAnswer+goodAnswer, "more behind")
	f(goodAnswer+"\ndone", "more behind")
	f("["+goodAnswer+"]", "reading the answer")
	f("{}", "rss_mib is missing")
	f("{}", "bench is missing")
	f(with(`"accepted":600,`, ``), "accepted is missing")
	f(with(`"rss_mib":64`, `"rss_mib":null`), "rss_mib is missing")
	f(with(`"rss_mib"`, `"rss_bytes"`), `unknown field "rss_bytes"`)
	f(with(`"records":1000`, `"records":"1000"`), "reading the answer")
	f(with(`"bench":"inventory"`, `"bench":"pipe"`), "must be inventory")
	f(with(`"records":1000`, `"records":999`), "999 records, must be the 1000")
	f(with(`"rejected":400`, `"rejected":399`), "600 accepted and 399 rejected of 1000")
	f(with(`"accepted":600,"rejected":400`, `"accepted":1001,"rejected":-1`), "1001 accepted and -1 rejected")
	f(with(`"per_second":2000`, `"per_second":2100`), "2100 a second")
	f(with(`"seconds":0.5`, `"seconds":0`), "in 0 s")
	f(with(`"per_core_second":4000`, `"per_core_second":2000`), "2000 per core-second")
	f(with(`"rss_mib":64`, `"rss_mib":0`), "0 MiB")
}
