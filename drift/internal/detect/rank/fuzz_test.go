package rank

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

func FuzzMeasure(f *testing.F) {
	pack := func(values ...float64) []byte {
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		return data
	}
	f.Add(pack(1, 2, 3), pack(2, 3, 4), true)
	f.Add(pack(0, 0, math.Copysign(0, -1)), pack(0), true)
	f.Add(pack(-math.MaxFloat64, math.MaxFloat64), pack(math.SmallestNonzeroFloat64, 1), true)
	f.Add(pack(5e-324, 1e-323), pack(0, 5e-324, 5e-324), true)
	f.Add(pack(math.NaN(), 1), pack(math.Inf(1)), false)
	f.Fuzz(func(t *testing.T, baseline, current []byte, clean bool) {
		floats := func(data []byte) (values []float64) {
			for ; len(data) >= 8 && len(values) < 500; data = data[8:] {
				v := math.Float64frombits(binary.LittleEndian.Uint64(data))
				if !clean || v-v == 0 {
					values = append(values, v)
				}
			}
			if clean {
				slices.Sort(values)
			}
			return values
		}
		x, y := floats(baseline), floats(current)
		p, err := Measure(x, y)
		if err != nil {
			if clean && len(x) > 0 && len(y) > 0 {
				t.Fatalf("refused clean samples: %v", err)
			}
			return
		}
		rng := rand.New(rand.NewPCG(1, 1))
		ps := map[string]float64{"mann-whitney": p.MannWhitney().P, "anderson": AndersonP(p.Anderson())}
		ps["cramer"], _ = p.CramerP()
		for i, s := range []Statistic{Wasserstein, Energy, Cramer, Anderson, AndersonRight, Means} {
			ps[string(rune('0'+i))] = p.Cut().Permute(s, permutation.Draws{Count: 19, Alpha: 0.05, Rand: rng}).P
		}
		if l, err := p.WelchT(); err == nil {
			ps["welch"] = l.P
		} else if !errors.Is(err, ErrTooFew) && !errors.Is(err, ErrNoSpread) {
			t.Fatal(err)
		}
		if s, err := p.Levene(); err == nil {
			ps["levene"] = s.P
		}
		for name, v := range ps {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("p of %s is %v", name, v)
			}
		}
		for name, v := range map[string]float64{
			"T": p.CramerVonMises(), "effect of T": p.CramerEffect(), "effect of A²": p.AndersonEffect(), "energy effect": p.EnergyEffect(),
			"Wasserstein/std": p.WassersteinStd(), "ties": p.TieShare,
		} {
			if !(v >= 0) || math.IsInf(v, 0) {
				t.Fatalf("%s is %v", name, v)
			}
		}
	})
}
