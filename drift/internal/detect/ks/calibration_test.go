package ks

import (
	"math/rand/v2"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/leveltest"
)

func TestLevel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		draw  leveltest.Generator
		least float64
	}{
		// D takes few values at n = m = 30, of which the largest below 0.05 is 0.035.
		"normal": {leveltest.Normal, 0.02},
		// Ties make the test conservative.
		"rounded": {leveltest.Rounded, 0},
		"sparse":  {leveltest.Sparse, 0},
	} {
		leveltest.Check(t, name, c.least, func(rng *rand.Rand, n, m int) float64 {
			ks, err := Test(c.draw(rng, n), c.draw(rng, m))
			if err != nil {
				t.Error(err)
			}
			return ks.P
		})
	}
}

func TestPower(t *testing.T) {
	t.Parallel()
	leveltest.CheckPower(t, "half a deviation, 200 rows", func(rng *rand.Rand) (float64, error) {
		ks, err := Test(leveltest.Normal(rng, 1000), leveltest.Fill(200, func() float64 { return rng.NormFloat64() + 0.5 }))
		return ks.P, err
	})
	leveltest.CheckPower(t, "twice the spread, 200 rows", func(rng *rand.Rand) (float64, error) {
		ks, err := Test(leveltest.Normal(rng, 1000), leveltest.Fill(200, func() float64 { return 2 * rng.NormFloat64() }))
		return ks.P, err
	})
}
