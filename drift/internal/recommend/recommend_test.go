package recommend_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/recommend"
)

// TestTests wants tests that can be made, each once and with a reason, whatever is known of a feature, and among the first two of a numeric
// feature one that a few crafted values cannot blind.
func TestTests(t *testing.T) {
	t.Parallel()
	sizes := []int64{0, 1, 29, 30, 1000, 1001, 1 << 40}
	for _, kind := range detect.AllTypes() {
		for _, n := range sizes {
			for _, m := range sizes {
				for _, distinct := range []int64{0, 1, 2, 3, 50, 51, 1000, 1001, 1 << 40} {
					traits := recommend.Traits{Type: kind, Baseline: n, Current: m, Distinct: distinct}
					chosen := recommend.Tests(traits)
					if len(chosen) == 0 && len(detect.DefaultTests(kind)) > 0 {
						t.Fatalf("%+v: no test", traits)
					}
					seen, robust := map[detect.Test]bool{}, false
					for i, r := range chosen {
						if err := r.Setting.Validate(kind); err != nil || r.Reason == "" || r.Setting.MinEffect <= 0 || r.Setting.Convention == "" || seen[r.Setting.Test] {
							t.Fatalf("%+v: got %+v: %v", traits, r, err)
						}
						seen[r.Setting.Test] = true
						robust = robust || i < 2 && (r.Setting.Test == detect.TestKS || r.Setting.Test == detect.TestPSI)
					}
					if kind == detect.Numeric && !robust {
						t.Fatalf("%+v: got %+v", traits, chosen)
					}
				}
			}
		}
	}
	if got := recommend.Tests(recommend.Traits{Type: "IMAGE"}); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// TestUnknownSizes takes a number of rows that is not known for that of the other side, and says nothing of numbers that nobody gave.
func TestUnknownSizes(t *testing.T) {
	t.Parallel()
	for _, kind := range detect.AllTypes() {
		for _, distinct := range []int64{0, 2, 100, 5000} {
			for _, r := range recommend.Tests(recommend.Traits{Type: kind, Distinct: distinct}) {
				if regexp.MustCompile(`\b0 |rows there is a verdict|at this size`).MatchString(r.Reason) {
					t.Errorf("%s, %d distinct values: %s", kind, distinct, r.Reason)
				}
			}
			one := recommend.Tests(recommend.Traits{Type: kind, Baseline: 20, Distinct: distinct})
			if diff := cmp.Diff(recommend.Tests(recommend.Traits{Type: kind, Baseline: 20, Current: 20, Distinct: distinct}), one); diff != "" {
				t.Errorf("%s, %d distinct values: %s", kind, distinct, diff)
			}
		}
	}
}

func TestForConstraint(t *testing.T) {
	t.Parallel()
	if got := recommend.ForConstraint(detect.Numeric, nil); got != nil {
		t.Errorf("got %+v", got)
	}
	for _, r := range recommend.ForConstraint(detect.Numeric, &detect.Constraint{Min: new(0.0), Unique: true, Format: "json"}) {
		if err := r.Setting.Validate(detect.Numeric); err != nil {
			t.Error(err)
		}
	}
}
