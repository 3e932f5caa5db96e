package contingency

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/tail"
)

// TestMomentsOfPearson goes through all ways to divide few rows.
func TestMomentsOfPearson(t *testing.T) {
	t.Parallel()
	choose := func(n, k int64) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return math.Exp(a - b - c)
	}
	for _, c := range []struct {
		pooled  []int64
		current int64
	}{
		{[]int64{3, 2, 2}, 3}, {[]int64{5, 5, 5, 1}, 4}, {[]int64{9, 4, 2, 2, 1}, 2}, {[]int64{12, 3, 3}, 11}, {[]int64{2, 1, 1}, 1},
	} {
		all := int64(0)
		for _, rows := range c.pooled {
			all += rows
		}
		table := Table{BaselineN: all - c.current, CurrentN: c.current}
		cells := make([]cell, len(c.pooled))
		var sum [4]float64 // of the weights times powers of the statistic
		var walk func(i int, left int64, weight float64)
		walk = func(i int, left int64, weight float64) {
			if i == len(cells) {
				if left == 0 {
					x := table.sum(cells, false, pearson)
					for power := range sum {
						sum[power] += weight * math.Pow(x, float64(power))
					}
				}
				return
			}
			for rows := range min(left, c.pooled[i]) + 1 {
				cells[i] = cell{c.pooled[i] - rows, rows}
				walk(i+1, left-rows, weight*choose(c.pooled[i], rows))
			}
		}
		walk(0, c.current, 1)
		first, second, third := sum[1]/sum[0], sum[2]/sum[0], sum[3]/sum[0]
		wantDeviation := math.Sqrt(second - first*first)
		wantSkewness := (third - 3*first*second + 2*first*first*first) / (wantDeviation * wantDeviation * wantDeviation)
		for i, rows := range c.pooled { // any division has the same totals
			cells[i] = cell{rows, 0}
		}
		mean, deviation, skewness := table.moments(cells)
		for what, v := range map[string][2]float64{"mean": {mean, first}, "deviation": {deviation, wantDeviation}, "skewness": {skewness, wantSkewness}} {
			if math.Abs(v[0]-v[1]) > 1e-7*math.Max(1, math.Abs(v[1])) {
				t.Errorf("%v, %d current: %s %v, want %v", c.pooled, c.current, what, v[0], v[1])
			}
		}
	}
}

// TestMomentsOfManyRows keeps its digits: where every cell expects many rows the statistic is chi-square.
func TestMomentsOfManyRows(t *testing.T) {
	t.Parallel()
	cells := []cell{{1 << 48, 1 << 48}, {1 << 47, 1 << 47}, {1 << 47, 1 << 47}, {1 << 40, 1 << 40}}
	table := Table{BaselineN: 1<<49 + 1<<40, CurrentN: 1<<49 + 1<<40}
	mean, deviation, skewness := table.moments(cells)
	if math.Abs(mean-3) > 1e-9 || math.Abs(deviation-math.Sqrt(6)) > 1e-9 || math.Abs(skewness-math.Sqrt(8.0/3)) > 1e-9 {
		t.Errorf("mean %v, deviation %v, skewness %v of chi-square with 3 degrees of freedom", mean, deviation, skewness)
	}
}

// TestChiSquareTail looks at small p-values of windows that are small beside their baselines: with the chi-square law itself they come up to twice as often
// as they should.
func TestChiSquareTail(t *testing.T) {
	t.Parallel()
	const draws, baseline, current = 30_000, 5000, 100
	for name, c := range map[string]struct {
		k    int
		skew float64
	}{"Zipf, 10": {10, 1}, "Zipf, 30": {30, 1}} {
		rng := rand.New(rand.NewPCG(4, uint64(c.k)))
		before := countCategories(rng, baseline, c.k, c.skew)
		var of []int // the category of each row of the baseline
		for i, rows := range before {
			of = append(of, slices.Repeat([]int{i}, int(rows))...)
		}
		below, plain := 0, 0 // p-values of at most 0.001
		for range draws {
			// A window of rows of the baseline, which is so much larger that its shares are as good as known.
			after := make([]int64, c.k)
			for range current {
				after[of[rng.IntN(baseline)]]++
			}
			table := Table{BaselineN: baseline * 1000, CurrentN: current}
			for i, rows := range after {
				table.Categories = append(table.Categories, Category{Baseline: before[i] * 1000, Current: rows})
			}
			h, err := ChiSquare(table)
			if err != nil {
				t.Fatal(err)
			}
			if h.P <= 0.001 {
				below++
			}
			if tail.ChiSquare(h.Statistic, h.DF) <= 0.001 {
				plain++
			}
		}
		const want = draws / 1000
		t.Logf("%s: %.5f, by the law %.5f", name, float64(below)/draws, float64(plain)/draws)
		if float64(below) > want+4*math.Sqrt(want) || below >= plain {
			t.Errorf("%s: %.5f of the p-values are at most 0.001", name, float64(below)/draws)
		}
	}
}
