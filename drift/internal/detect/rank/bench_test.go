package rank

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// benchSamples draws from nearly one distribution, so that no side comes in runs.
func benchSamples(n, m int) (x, y []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	draw := func(n int, shift float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = rng.NormFloat64() + shift
		}
		slices.Sort(values)
		return values
	}
	return draw(n, 0), draw(m, 0.002)
}

func BenchmarkMeasure1Mx1M(b *testing.B) {
	x, y := benchSamples(1_000_000, 1_000_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Measure(x, y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMeasure1Mx1MTies(b *testing.B) {
	x, y := benchSamples(1_000_000, 1_000_000)
	for _, values := range [][]float64{x, y} {
		for i, v := range values {
			values[i] = float64(int(50 * v))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Measure(x, y); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPermute draws 999 times; the time hardly depends on the number of values.
func BenchmarkPermute(b *testing.B) {
	for _, size := range [][2]int{{1000, 1000}, {100_000, 1000}, {1_000_000, 1_000_000}} {
		x, y := benchSamples(size[0], size[1])
		p := measure(b, x, y)
		for name, statistic := range map[string]Statistic{"wasserstein": Wasserstein, "energy": Energy} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size[0], size[1]), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					p.Cut().Permute(statistic, permutation.Draws{Count: 999, Alpha: 0.05, Rand: rand.New(rand.NewPCG(1, 1))})
				}
			})
		}
	}
}

func BenchmarkWelchLevene1Mx1M(b *testing.B) {
	x, y := benchSamples(1_000_000, 1_000_000)
	p := measure(b, x, y)
	b.ReportAllocs()
	for b.Loop() {
		_, errT := p.WelchT()
		_, errW := p.Levene()
		if errT != nil || errW != nil {
			b.Fatal(errT, errW)
		}
	}
}

func BenchmarkLaw(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		cramer.sf(0.5)
		anderson.sf(2.5)
	}
}
