package distance

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Every draw keeps the sizes of both sides and the rows in each bin.
func TestShuffleKeepsMargins(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 80).Draw(t, "bins")
		counts := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 40), rapid.Int64Range(0, 100_000)), k, k)
		b, err := NewBins(counts.Draw(t, "baseline"), counts.Draw(t, "current"))
		if err != nil {
			return
		}
		s, rng := b.shuffler(), rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range 3 {
			s.shuffle(rng)
			n, m := int64(0), int64(0)
			for i, rows := range s.pooled {
				if s.Baseline[i] < 0 || s.Current[i] < 0 || s.Baseline[i]+s.Current[i] != rows {
					t.Fatalf("bin %d of %d rows got %d and %d", i, rows, s.Baseline[i], s.Current[i])
				}
				n += s.Baseline[i]
				m += s.Current[i]
			}
			if n != b.n || m != b.m {
				t.Fatalf("%d and %d rows, want %d and %d", n, m, b.n, b.m)
			}
		}
	})
}

// Each bin's count has the mean and the variance of the hypergeometric law, thinned or drawn one by one, and two bins have its covariance.
func TestShuffleMoments(t *testing.T) {
	t.Parallel()
	const draws = 30_000
	for name, each := range map[string][2]int64{"singles": {1, 0}, "small": {12, 4}, "mixed": {30, 300}, "scarce": {12, 4}} {
		a, b := make([]int64, 40), make([]int64, 40)
		for i := range a {
			a[i], b[i] = each[0], each[1]
			if i%2 == 1 {
				a[i], b[i] = b[i], 2*a[i]
			}
		}
		if name == "scarce" {
			a, b = append(a, 1_000_000), append(b, 2_000_000)
		}
		bins, err := NewBins(a, b)
		if err != nil {
			t.Fatal(err)
		}
		s, rng := bins.shuffler(), rand.New(rand.NewPCG(5, 6))
		if (s.scarce < len(a)) != (name == "scarce") {
			t.Fatalf("%s: %d of %d bins are scarce", name, len(a)-s.scarce, len(a))
		}
		first, last := len(a)-1, len(a)-2
		n, total := float64(bins.n), float64(bins.n)+float64(bins.m)
		mean := func(i int) float64 { return float64(s.pooled[i]) * n / total }
		variance := func(i int) float64 {
			return mean(i) * (1 - n/total) * (total - float64(s.pooled[i])) / (total - 1)
		}
		covariance := -mean(first) * float64(s.pooled[last]) / total * (1 - n/total) * total / (total - 1)
		sum, square, product := 0.0, 0.0, 0.0
		for range draws {
			s.shuffle(rng)
			x, y := float64(s.Baseline[first])-mean(first), float64(s.Baseline[last])-mean(last)
			sum += x
			square += x * x
			product += x * y
		}
		scale := math.Sqrt(variance(first) * variance(last))
		if math.Abs(sum/draws) > 5*math.Sqrt(variance(first)/draws) || math.Abs(square/draws/variance(first)-1) > 10/math.Sqrt(draws) ||
			math.Abs(product/draws-covariance) > 5*scale/math.Sqrt(draws) {
			t.Errorf("%s: mean off by %.4f, variance %.4f, covariance %.5f; want 0, %.4f, %.5f", name, sum/draws, square/draws, product/draws, variance(first), covariance)
		}
	}
}
