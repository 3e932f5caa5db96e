package sample_test

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// columnsOf reads batches out of arbitrary bytes: whatever a client might send.
func columnsOf(data []byte) [][]sample.Column {
	take := func(n int) []byte {
		n = min(n, len(data))
		part := data[:n]
		data = data[n:]
		return part
	}
	one := func() int {
		if b := take(1); len(b) == 1 {
			return int(b[0])
		}
		return 0
	}
	names := []string{"delay", "carrier", "late", "speed", ""}
	types := []detect.FeatureType{detect.Numeric, detect.Categorical, detect.Boolean, "OTHER", detect.Timestamp, detect.Vector}
	var batches [][]sample.Column
	for len(data) > 0 && len(batches) < 8 {
		var batch []sample.Column
		shape := one()
		for i := range shape % 5 {
			c := sample.Column{Name: names[i], Type: types[min(i, 2)]}
			if shape >= 128 { // most batches are well-formed but for their values
				c.Name, c.Type = names[one()%len(names)], types[one()%len(types)]
			}
			rows := shape / 5 % 12
			for range rows {
				switch c.Type {
				case detect.Numeric:
					var bits [8]byte
					copy(bits[:], take(8))
					c.Numbers = append(c.Numbers, math.Float64frombits(binary.LittleEndian.Uint64(bits[:])))
				case detect.Categorical:
					c.Texts = append(c.Texts, string(take(one()%4)))
				case detect.Boolean:
					c.Booleans = append(c.Booleans, one()%2 == 1)
				case detect.Timestamp:
					c.Times = append(c.Times, int64(one()))
				case detect.Vector:
					c.Vectors, c.Dimension = append(c.Vectors, float32(one())), 2
				case detect.Text:
				}
			}
			if one()%3 == 0 {
				c.Validity = take((rows+7)/8 + one()%2)
			}
			batch = append(batch, c)
		}
		batches = append(batches, batch)
	}
	return batches
}

// FuzzAccumulator asserts that whatever is sent is either refused with a reason or gathered into samples that the tests accept, whose content
// decodes to the same and whose fingerprint does not depend on the order of the batches. The same goes for data that no monitor describes.
func FuzzAccumulator(f *testing.F) {
	f.Add([]byte{13, 0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 248, 127, 3, 255, 1, 2, 'U', 'A', 2, 'A', 'A', 1, 1, 0, 1})
	f.Add([]byte{8, 0, 0, 0, 0, 0, 0, 240, 127, 1, 1, 'x', 1, 1, 1})
	f.Add([]byte{130, 0, 0, 1, 1})
	f.Add([]byte{3, 1, 1, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		batches := columnsOf(data)
		if set, _, err := open(t, sample.Options{Rows: len(data)%2 == 0}, batches...); err == nil {
			compareWithItself(t, set)
		} else if errs.ReasonOf(err) == "" && !strings.Contains(err.Error(), "unknown feature type") {
			t.Fatalf("refused without saying why: %v", err)
		}
		set, err := gather(t, features, batches...)
		if err != nil {
			var refused *errs.Error
			if !errors.As(err, &refused) || refused.Reason == "" || refused.Kind != errs.InvalidArgument || len(refused.Violations) == 0 {
				t.Fatalf("refused without saying why: %v", err)
			}
			return
		}
		for i, feature := range features {
			s := set.Samples[i]
			decoded, err := sample.Decode(feature.Type, set.Rows, s.Missing, set.Content(i))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(decoded.Sorted, s.Sorted) || len(decoded.Counts) != len(s.Counts) {
				t.Fatalf("feature %s does not survive storage", feature.Name)
			}
			if summary := set.Summary(i); summary.Values+summary.Missing != set.Rows || summary.Distinct > summary.Values {
				t.Fatalf("summary %+v of %d rows", summary, set.Rows)
			}
		}
		compareWithItself(t, set)
		slices.Reverse(batches)
		reversed, err := gather(t, features, batches...)
		if err != nil {
			t.Fatal(err)
		}
		if set.Fingerprint() != reversed.Fingerprint() {
			t.Fatal("the fingerprint depends on the order of batches")
		}
	})
}

func compareWithItself(t *testing.T, set sample.Set) {
	t.Helper()
	var pairs []detect.FeatureInput
	for i, f := range set.Features {
		pairs = append(pairs, detect.FeatureInput{Name: f.Name, Type: f.Type, Baseline: set.Samples[i], Current: set.Samples[i]})
	}
	run, err := detect.Evaluate(t.Context(), detect.Input{Features: pairs}, detect.Settings{MinRows: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range run.Features {
		if result.Status == detect.StatusError || result.Status == detect.StatusDrift {
			t.Fatalf("a feature compared with itself: %s %s", result.Status, result.Reason)
		}
	}
}
