package detect

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/aumos-enterprise/platform/drift/internal/cputest"
)

// TestRowsEnd leaves tests of rows and of vectors as large as they get, right away and some looks later. What is between two looks takes a small part
// of a second.
func TestRowsEnd(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	table := func(rows, columns int) Table {
		t := Table{Rows: rows}
		for k := range columns {
			c := TableColumn{Name: strconv.Itoa(k), Type: Numeric, Numbers: make([]float64, rows)}
			for i := range c.Numbers {
				c.Numbers[i] = rng.NormFloat64()
			}
			t.Columns = append(t.Columns, c)
		}
		return t
	}
	baseline, current := table(largeRows, 20), table(largeRows, 20)
	wide, wider := vectors(rng, largeVectors, 128, 0), vectors(rng, largeVectors, 128, 0)
	settings := Settings{Permutations: 9999}.withDefaults()
	for _, spec := range Catalog() {
		for _, convention := range spec.Conventions {
			s := TestSetting{Test: spec.Test, Convention: convention.Name}
			for _, looks := range []int{1, 4} {
				name := convention.Name + " " + strconv.Itoa(looks)
				if s.ValidateRows() == nil && spec.Test != TestDuplicateRows {
					t.Run("rows "+name, func(t *testing.T) {
						left := leaving{t: t, looks: looks}
						r := &rowComparison{RowInput: RowInput{Baseline: baseline, Current: current}, settings: settings, ended: left.look}
						r.measure(s.WithDefaults(rowsType))
						left.check()
					})
				}
				if spec.Test.Applies(Vector) && spec.Kind != KindQuality && s.Validate(Vector) == nil {
					t.Run("vectors "+name, func(t *testing.T) {
						left := leaving{t: t, looks: looks}
						c := &comparison{FeatureInput: FeatureInput{Name: "v", Type: Vector, Baseline: wide, Current: wider}, settings: settings, ended: left.look}
						c.measure(s)
						left.check()
					})
				}
			}
		}
	}
}

// leaving is a caller who leaves at a look.
type leaving struct {
	t            *testing.T
	looks, asked int
	since        cputest.Moment
}

func (l *leaving) look() bool {
	if l.asked++; l.asked == l.looks {
		l.since = cputest.Now(l.t)
	}
	return l.asked >= l.looks
}

func (l *leaving) check() {
	l.t.Helper()
	if l.asked == 0 {
		l.t.Error("nobody asked")
	}
	if took := cputest.Since(l.t, l.since); l.asked >= l.looks && took > 3*time.Second { // beside other tests
		l.t.Errorf("asked %d times, and went on for %v", l.asked, took)
	}
}
