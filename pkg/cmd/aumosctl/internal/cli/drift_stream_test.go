package cli_test

import (
	"slices"
	"strings"
	"testing"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func TestDriftStream(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.drift.models = append(p.drift.models, &driftv1.Model{Id: id(400), Name: "delays"})
	p.run(t, "drift", "stream", "create", "losses", "--detector", "page-hinkley", "--model", "delays", "--param", "threshold=20", "--param", "delta=1e-3", "--policy", "hold").
		expect(t, 0).says(t, "page-hinkley/river", "delta=0.001 threshold=20", "STABLE")
	if req := p.streams.created; req.GetDetector() != driftv1.StreamDetector_STREAM_DETECTOR_PAGE_HINKLEY || req.GetModelId() != id(400) ||
		req.GetPolicy() != driftv1.StreamPolicy_STREAM_POLICY_HOLD || req.GetRequestId() == "" {
		t.Errorf("got %v", req)
	}
	// Lines, in batches; then a column of a CSV file, the first of whose rows the stream has already.
	p.runWithInput(t, "0\n1\ntrue\nfalse\n0.5\n", "drift", "stream", "update", "losses", "-", "--batch", "2").expect(t, 0).says(t, "STABLE: 0 drifts found, 5 values so far")
	if p.streams.batches != 3 {
		t.Errorf("sent %d batches", p.streams.batches)
	}
	file := writeFile(t, "day.csv", "time,loss\n1,0\n2,0.5\n3,7\n4,0.25\n")
	p.run(t, "drift", "stream", "update", id(800), file, "--column", "loss", "--from", "3").expect(t, 1).
		says(t, "skipped 2 values", "STABLE: 1 drift found, 7 values so far", "INCREASE", "pending")
	if want := []float64{0, 1, 1, 0, 0.5, 7, 0.25}; !slices.Equal(p.streams.values, want) {
		t.Errorf("got %v, want %v", p.streams.values, want)
	}
	p.run(t, "drift", "stream", "update", "losses", file, "--column", "loss", "--from", "3").expect(t, 0).says(t, "skipped 4 values", "0 drifts found")
	p.run(t, "drift", "stream", "get", "losses").expect(t, 0).says(t, "found at 5, began at 5, mean 0.5000 → 7.0000")
	p.run(t, "drift", "stream", "list").expect(t, 0).says(t, "losses", "page-hinkley/river")
	p.run(t, "drift", "stream", "drifts", "losses").expect(t, 0).says(t, "INCREASE")
	p.run(t, "drift", "stream", "detectors").expect(t, 0).says(t, "hddm-a", "unit", "drift_confidence=0.001")
	p.streams.streams[0].Zone = driftv1.StreamZone_STREAM_ZONE_DRIFT
	p.run(t, "drift", "stream", "get", "losses").expect(t, 1).says(t, "DRIFT")
	p.runWithInput(t, "0\n", "drift", "stream", "update", "losses", "-").expect(t, 1) // held
	p.run(t, "drift", "stream", "reset", "losses").expect(t, 0).says(t, "STABLE")
	if got := decode(t, p.run(t, "drift", "stream", "get", "losses", "-o", "json").expect(t, 0).stdout); got["stream"] == nil {
		t.Errorf("got %v", got)
	}
}

// TestDriftStreamTellsDriftsBeforeFailures fails in the middle: the drift that was found is told, and the error says where to go on.
func TestDriftStreamTellsDriftsBeforeFailures(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "drift", "stream", "create", "s", "--detector", "adwin").expect(t, 0)
	p.streams.failAt = 2
	r := p.runWithInput(t, "0\n9\n1\n1\n", "drift", "stream", "update", "s", "-", "--batch", "2").expect(t, 3)
	r.says(t, "1 drift found, 2 values so far", "2 is the stream's next value")
}

func TestDriftStreamRefuses(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.run(t, "drift", "stream", "create", "s", "--detector", "adwin").expect(t, 0)
	for _, test := range []struct {
		says, input string
		args        []string
	}{
		{"none of adwin, cusum", "", []string{"create", "n", "--detector", "seed"}},
		{"none of restart", "", []string{"create", "n", "--detector", "ddm", "--policy", "never"}},
		{"is not NAME=NUMBER", "", []string{"create", "n", "--detector", "ddm", "--param", "warm_start"}},
		{"must not be negative", "", []string{"create", "n", "--detector", "ddm", "--seed", "-1"}},
		{`there is no model "m"`, "", []string{"create", "n", "--detector", "ddm", "--model", "m"}},
		{`there is no stream "x"`, "1\n", []string{"update", "x", "-"}},
		{"line 2: \"NaN\" is no finite number", "1\nNaN\n", []string{"update", "s", "-"}},
		{"line 1: \"\" is no finite number", "\"\"\n", []string{"update", "s", "-"}},
		{`"wrong" is no finite number: if it is the header of a CSV file, say --column NAME`, "wrong\n1\n", []string{"update", "s", "-"}},
		{"say --column NAME", "1,2\n", []string{"update", "s", "-"}},
		{`there is no column "c", there is a, b`, "a,b\n1,2\n", []string{"update", "s", "-", "--column", "c"}},
		{"there is no header", "", []string{"update", "s", "-", "--column", "c"}},
		{"leaves a gap", "1\n", []string{"update", "s", "-", "--from", "1"}},
		{"--batch must be from 1", "1\n", []string{"update", "s", "-", "--batch", "65537"}},
		{"no such file", "", []string{"update", "s", "none.csv"}},
	} {
		p.runWithInput(t, test.input, append([]string{"drift", "stream"}, test.args...)...).expect(t, 3).says(t, test.says)
	}
	p.runWithInput(t, "", "drift", "stream", "update", "s", "-").expect(t, 0).says(t, "no value that the stream has not taken already")
	if len(p.streams.values) != 0 {
		t.Errorf("the stream took %v", p.streams.values)
	}
	if !strings.Contains(p.run(t, "drift", "stream", "update", "--help").stdout, "Exit codes") {
		t.Error("the help has no exit codes")
	}
}
