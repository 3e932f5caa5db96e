package detect

import (
	"errors"
	"fmt"
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/rank"
)

// merged is the one pass over both samples that all tests of ranks share.
type merged struct {
	pooled *rank.Pooled
	cut    *rank.Cut // for draws
	err    error
}

func (c *comparison) ranks() (*rank.Pooled, error) {
	if c.merged.pooled == nil && c.merged.err == nil {
		pooled, err := rank.Measure(c.Baseline.Sorted, c.Current.Sorted)
		if err != nil {
			c.merged.err = fmt.Errorf("merge samples: %w", err)
			return nil, c.merged.err
		}
		c.merged.pooled = &pooled
	}
	return c.merged.pooled, c.merged.err
}

// permute draws a statistic from its permutation distribution.
func (c *comparison) permute(pooled *rank.Pooled, statistic rank.Statistic, t TestSetting) rank.Permutation {
	if c.merged.cut == nil {
		cut := pooled.Cut()
		c.merged.cut = &cut
	}
	return c.draw(*c.merged.cut, statistic, t)
}

func (c *comparison) draw(cut rank.Cut, statistic rank.Statistic, t TestSetting) rank.Permutation {
	return cut.Permute(statistic, c.draws(t))
}

func measureCVM(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	f := Finding{Statistic: pooled.CramerVonMises(), Method: PAsymptotic, Effect: pooled.CramerEffect(), Direction: moved(pooled.Above, pooled.Below)}
	if pooled.Tied() {
		drawn := c.permute(pooled, rank.Cramer, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(f.Statistic*drawn.Threshold)
		return f
	}
	value, exact := pooled.CramerP()
	if f.P = value; exact {
		f.Method = PExact
	}
	f.Threshold = finite(pooled.CriticalCramer(c.settings.FDR))
	return f
}

func measureAnderson(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	statistic, kind := pooled.Anderson(), rank.Anderson
	if t.Convention == "anderson-darling/right" {
		statistic, kind = pooled.AndersonRight(), rank.AndersonRight
	}
	f := Finding{Statistic: statistic, Method: PAsymptotic, Effect: pooled.AndersonEffect(), Direction: moved(pooled.Above, pooled.Below)}
	if pooled.Tied() {
		drawn := c.permute(pooled, kind, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(pooled.ScaleAnderson(statistic, drawn.Threshold))
		return f
	}
	f.P, f.Threshold = rank.AndersonP(statistic), finite(rank.CriticalAnderson(c.settings.FDR))
	return f
}

func measureMannWhitney(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	w := pooled.MannWhitney()
	f := Finding{Statistic: w.U, P: w.P, Method: PAsymptotic, Effect: math.Abs(w.Delta), Direction: sign(w.Delta)}
	if pooled.SkewedRanks() {
		drawn := c.permute(pooled, rank.Ranks, t)
		middle := pooled.N * pooled.M / 2
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(middle+(w.U-middle)*math.Sqrt(drawn.Threshold))
		return f
	}
	f.Threshold = finite(pooled.CriticalMannWhitney(c.settings.FDR))
	if w.Exact {
		f.Method = PExact
	}
	if f.Threshold != nil && w.Delta > 0 { // on the side of the statistic
		*f.Threshold = pooled.N*pooled.M - *f.Threshold
	}
	return f
}

func measureWelch(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	l, err := pooled.WelchT()
	if err != nil {
		return withoutSpread(err)
	}
	f := Finding{Statistic: l.T, P: l.P, Method: PAsymptotic, Effect: math.Abs(l.CohenD), Direction: sign(l.CohenD)}
	if pooled.Skewed() {
		drawn := c.permute(pooled, rank.Means, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(l.T*math.Sqrt(drawn.Threshold))
		return f
	}
	f.Threshold = finite(math.Copysign(rank.CriticalT(l.DF, c.settings.FDR), l.T))
	return f
}

func measureLevene(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	s, err := pooled.Levene()
	if err != nil {
		return withoutSpread(err)
	}
	f := Finding{Statistic: s.W, P: s.P, Method: PAsymptotic, Effect: math.Abs(s.Change), Direction: sign(s.Change)}
	if pooled.SkewedSpread() {
		distances, err := pooled.Distances()
		if err != nil {
			return Failed(fmt.Errorf("merge distances from the medians: %w", err))
		}
		drawn := c.draw(distances.Cut(), rank.Means, t)
		f.P, f.Method, f.Threshold = drawn.P, PPermutation, finite(s.W*drawn.Threshold)
		return f
	}
	critical := rank.CriticalT(s.DF, c.settings.FDR)
	f.Threshold = finite(critical * critical)
	return f
}

// withoutSpread says why there is no test of means or spreads.
func withoutSpread(err error) Finding {
	switch {
	case errors.Is(err, rank.ErrTooFew):
		return Undecided(err.Error())
	case errors.Is(err, rank.ErrNoSpread):
		return NotApplicable(err.Error() + "; KS and WASSERSTEIN see such a change")
	}
	return Failed(err)
}

func measureWasserstein(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	f := Finding{Method: PPermutation, Direction: shift(pooled)}
	switch t.Convention {
	case "wasserstein/raw":
		f.Statistic, f.Effect = pooled.Wasserstein(), pooled.WassersteinStd()
	case "wasserstein/iqr":
		f.Statistic = pooled.WassersteinIQR()
		f.Effect = f.Statistic
	case "wasserstein/evidently":
		f.Statistic = pooled.WassersteinEvidently()
		f.Effect = f.Statistic
	default:
		f.Statistic = pooled.WassersteinStd()
		f.Effect = f.Statistic
	}
	if math.IsInf(f.Statistic, 0) {
		return NotApplicable("half of the baseline is one value, or the distance overflows: " + t.Convention + " has no unit; wasserstein/std has")
	}
	drawn := c.permute(pooled, rank.Wasserstein, t)
	f.P, f.Threshold = drawn.P, finite(f.Statistic*drawn.Threshold)
	return f
}

// shift is the direction of a distance: one that is mostly a difference of the means.
func shift(pooled *rank.Pooled) Direction {
	share := pooled.Shift()
	switch {
	case pooled.Above == 0 && pooled.Below == 0:
		return DirectionNone
	case math.Abs(share) < 0.5:
		return DirectionChanged
	default:
		return sign(share)
	}
}

func measureEnergyDistance(c *comparison, t TestSetting) Finding {
	pooled, err := c.ranks()
	if err != nil {
		return Failed(err)
	}
	drawn := c.permute(pooled, rank.Energy, t)
	f := Finding{Statistic: pooled.Energy(), P: drawn.P, Method: PPermutation, Effect: pooled.EnergyEffect(), Direction: shift(pooled)}
	f.Threshold = finite(f.Statistic * math.Sqrt(drawn.Threshold))
	return f
}
