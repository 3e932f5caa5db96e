package detect

import "math"

// summaryProbabilities are the quantiles of a NumericSummary.
var summaryProbabilities = [...]float64{0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99} //nolint:gochecknoglobals // a constant table

func summarize(s Sample) SideSummary {
	summary := SideSummary{Rows: s.Rows, Missing: s.Missing}
	if s.Rows > 0 {
		summary.MissingRate = finite(float64(s.Missing) / float64(s.Rows))
	}
	if len(s.Sorted) > 0 {
		summary.Numeric = summarizeNumbers(s.Sorted)
	}
	return summary
}

func summarizeNumbers(sorted []float64) *NumericSummary {
	n := float64(len(sorted))
	sum := 0.0
	for _, v := range sorted {
		sum += v
	}
	mean := sum / n
	squares := 0.0
	for _, v := range sorted {
		squares += (v - mean) * (v - mean)
	}
	summary := &NumericSummary{
		Mean:   finite(mean),
		Std:    finite(math.Sqrt(squares / (n - 1))), // 0/0 for a single value
		Min:    sorted[0],
		Median: quantile(sorted, 0.5),
		Max:    sorted[len(sorted)-1],
	}
	for _, p := range summaryProbabilities {
		summary.Quantiles = append(summary.Quantiles, Quantile{Probability: p, Value: quantile(sorted, p)})
	}
	return summary
}

// quantile interpolates between order statistics at rank 1 + p·(n−1), the
// seventh definition of R. J. Hyndman and Y. Fan (1996), as NumPy does.
func quantile(sorted []float64, p float64) float64 {
	whole, fraction := math.Modf(p * float64(len(sorted)-1))
	low := sorted[int(whole)]
	if fraction == 0 {
		return low
	}
	high := sorted[int(whole)+1]
	// A difference of the two could overflow; the clamp undoes the rounding
	// between equal values.
	return min(max(low*(1-fraction)+high*fraction, low), high)
}
