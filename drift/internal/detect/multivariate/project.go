package multivariate

import "math/rand/v2"

// MaxProjected is the number of columns from which on Project makes fewer.
const MaxProjected = 128

// spread is the number of columns that each column is spread over.
const spread = 4

// Project maps the columns of two matrices to 128 by one random sparse map that nearly keeps distances: each column is added, with a random
// sign and weight ½, to four others (the sparse Johnson–Lindenstrauss transform of D. Kane and J. Nelson, JACM 61, 2014). Matrices of at most
// 128 columns, or of different ones, are returned as they are.
func Project(baseline, current Matrix, rng *rand.Rand) (projectedBaseline, projectedCurrent Matrix) {
	if baseline.Columns <= MaxProjected || baseline.Columns != current.Columns {
		return baseline, current
	}
	targets := make([]int, baseline.Columns*spread)
	weights := make([]float64, len(targets))
	for i := range targets {
		targets[i] = rng.IntN(MaxProjected)
		weights[i] = 0.5 - float64(rng.IntN(2))
	}
	project := func(m Matrix) Matrix {
		out := NewMatrix(m.Rows, MaxProjected)
		for i := range m.Rows {
			row := out.Row(i)
			for k, v := range m.Row(i) {
				for s := k * spread; s < (k+1)*spread; s++ {
					row[targets[s]] += v * weights[s]
				}
			}
		}
		return out
	}
	return project(baseline), project(current)
}
