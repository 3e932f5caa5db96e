package sample_test

import (
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestInlet charges what a message takes once it is decoded, where that is more than is usual, and once for messages of a kind.
func TestInlet(t *testing.T) {
	t.Parallel()
	const base = 32 << 20
	for _, test := range []struct {
		name   string
		column sample.Column
		want   int64
	}{
		{"as usual", numbers("x", make([]float64, 2<<20)...), base},
		{"empty texts", sample.Column{Name: "x", Type: detect.Categorical, Texts: make([]string, 8<<20)}, 16<<20 + 8<<24},
		{"short times", sample.Column{Name: "x", Type: detect.Timestamp, Times: make([]int64, 4<<20)}, 16<<20 + 8<<22},
	} {
		budget := sample.NewBudget(room)
		inlet, err := sample.Admit(tenant.ID{}, budget)
		if err != nil {
			t.Fatal(err)
		}
		if used := budget.Used(); used != base {
			t.Errorf("%s: %d bytes before the first message", test.name, used)
		}
		data := sample.New(inlet, features[:1])
		for range 2 {
			if err := data.Add([]sample.Column{test.column}); errs.ReasonOf(err) != errs.ReasonColumnUnknown {
				t.Fatal(err)
			}
			if used := budget.Used(); used != test.want {
				t.Errorf("%s: %d bytes, want %d", test.name, used, test.want)
			}
		}
		data.Release()
		inlet.Release()
		if used := budget.Used(); used != 0 {
			t.Errorf("%s: %d bytes are not given back", test.name, used)
		}
	}
}

// The expected fingerprint was computed from the documented format by a program in Python (struct and hashlib).
func TestFingerprint(t *testing.T) {
	t.Parallel()
	const want = "68dc4fde0999243b85798972bf0be732dd0dc138df547556c6e7225fe7828ec4"
	rows := []sample.Column{
		without(numbers("delay", 3.5, -2, 0, 7, 3.5), 3), texts("carrier", "UA", "é", "AA", "UA", "AA"),
		without(booleans("late", true, false, false, true, true), 3, 4),
	}
	set, err := gather(t, features, rows)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Fingerprint(); hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x", got)
	}
	// Other row, batch and column orders, −0 and NaN: the same data.
	reordered := []sample.Feature{features[2], features[0], features[1]}
	set, err = gather(t, reordered,
		[]sample.Column{texts("carrier", "AA"), numbers("delay", math.NaN()), without(booleans("late", true), 0)},
		[]sample.Column{
			without(booleans("late", false, true, false, false), 3), texts("carrier", "UA", "AA", "é", "UA"),
			numbers("delay", 3.5, 3.5, math.Copysign(0, -1), -2),
		})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Fingerprint(); hex.EncodeToString(got[:]) != want {
		t.Errorf("reordered: got %x", got)
	}
	rows[1].Texts[0] = "U"
	if set, err = gather(t, features, rows); err != nil {
		t.Fatal(err)
	}
	if got := set.Fingerprint(); hex.EncodeToString(got[:]) == want {
		t.Error("other data has the same fingerprint")
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	many := make([]float64, 10_000) // more than one chunk
	for i := range many {
		many[i] = math.Sin(float64(i))
	}
	carriers := make([]string, len(many))
	for i := range carriers {
		carriers[i] = strconv.Itoa(i % 7)
	}
	set, err := gather(t, features, []sample.Column{numbers("delay", many...), texts("carrier", carriers...), without(booleans("late", make([]bool, len(many))...), 5)})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range features {
		got, err := sample.Decode(f.Type, set.Rows, set.Samples[i].Missing, set.Content(i))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(set.Samples[i], got); diff != "" {
			t.Error(diff)
		}
	}
	for _, damaged := range []struct {
		name          string
		of            detect.FeatureType
		rows, missing int64
		content       string
	}{
		{"numbers cut", detect.Numeric, 1, 0, "1234567"},
		{"numbers unsorted", detect.Numeric, 2, 0, "\x00\x00\x00\x00\x00\x00\xf0\x3f\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"NaN", detect.Numeric, 1, 0, "\x00\x00\x00\x00\x00\x00\xf8\x7f"},
		{"other number of rows", detect.Numeric, 3, 1, "\x00\x00\x00\x00\x00\x00\xf0\x3f"},
		{"category cut", detect.Categorical, 1, 0, "\x05\x00\x00\x00ab"},
		{"category without count", detect.Categorical, 1, 0, "\x01\x00\x00\x00a"},
		{"category counted 0 times", detect.Categorical, 0, 0, "\x01\x00\x00\x00a\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"length cut", detect.Categorical, 1, 0, "\x01\x00"},
	} {
		if _, err := sample.Decode(damaged.of, damaged.rows, damaged.missing, []byte(damaged.content)); !errors.Is(err, sample.ErrContent) {
			t.Errorf("%s: got %v", damaged.name, err)
		}
	}
}

// The moments are numpy's (2.4.6) mean and std(ddof=1).
func TestSummary(t *testing.T) {
	t.Parallel()
	set, err := gather(t, features[:2], []sample.Column{
		numbers("delay", 0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2, math.NaN(), 4.2), texts("carrier", strings.Split("UA AA UA AA UA AA UA AA UA AA UA AA", " ")...),
	})
	if err != nil {
		t.Fatal(err)
	}
	set.Samples[0].Sorted = set.Samples[0].Sorted[:10] // without the second 4.2
	set.Samples[0].Missing++
	s := set.Summary(0)
	if s.Values != 10 || s.Missing != 2 || s.Distinct != 10 || *s.Min != 0.1 || *s.Max != 4.2 {
		t.Errorf("got %+v", s)
	}
	if math.Abs(*s.Mean-2.02) > 1e-15 || math.Abs(*s.StandardDeviation-1.395866915018923) > 1e-14 {
		t.Errorf("got mean %v, standard deviation %v", *s.Mean, *s.StandardDeviation)
	}
	if s := set.Summary(1); s.Values != 12 || s.Distinct != 2 || s.Mean != nil || s.Min != nil {
		t.Errorf("got %+v", s)
	}
	huge, err := gather(t, features[:1], []sample.Column{numbers("delay", math.MaxFloat64, -math.MaxFloat64)})
	if err != nil {
		t.Fatal(err)
	}
	if s := huge.Summary(0); s.StandardDeviation != nil {
		t.Errorf("a standard deviation that overflows: got %v", *s.StandardDeviation)
	}
}
