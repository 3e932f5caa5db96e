package contingency

import (
	"math"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
)

// Where the normal distribution takes over it agrees with the sum, in a skewed table too. Its error grows with the distance from the mean, as
// that of every normal approximation.
func TestFisherWide(t *testing.T) {
	t.Parallel()
	for _, margins := range [][2]int64{{5_300_000_000, 5_300_000_000}, {4_000_000_000, 40_000_000_000}} {
		row, rest := margins[0], margins[1]
		total := float64(row) + float64(rest)
		column := int64(total / 5)
		mean := float64(row) * float64(column) / total
		sigma := math.Sqrt(mean * 0.8 * float64(rest) / (total - 1))
		for _, z := range []float64{0, 0.5, 1, 2, 4, 8} {
			a := int64(mean - z*sigma)
			c := column - a
			p, exact := Fisher(a, row-a, c, rest-c)
			want := FisherExact(a, row-a, c, rest-c)
			if exact {
				t.Errorf("sigma %.0f: exact", sigma)
			}
			if !goldentest.Near(p, want, 5e-3) {
				t.Errorf("z = %v: P = %v, want %v", z, p, want)
			}
		}
	}
}

// Tables of any size take bounded time, with counts far from what is expected too.
func TestFisherHuge(t *testing.T) {
	t.Parallel()
	const huge = int64(1) << 51
	for name, c := range map[string]struct {
		table [4]int64
		p     float64
	}{
		"nothing changed":          {[4]int64{huge, huge, huge, huge}, 1},
		"everything changed":       {[4]int64{huge, 0, 0, huge}, 0},
		"a rare row":               {[4]int64{1, huge, 0, huge}, 1},
		"ten rare rows":            {[4]int64{10, huge, 0, huge}, 2.0 / 1024},
		"all changed, of billions": {[4]int64{1_000_000_000, 0, 0, 1_000_000_000}, 0},
		"nothing":                  {[4]int64{0, 0, 0, 0}, 1},
	} {
		if p, _ := Fisher(c.table[0], c.table[1], c.table[2], c.table[3]); !goldentest.Near(p, c.p, 1e-9) {
			t.Errorf("%s: P = %v, want %v", name, p, c.p)
		}
	}
}
