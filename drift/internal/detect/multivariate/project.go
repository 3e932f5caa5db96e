package multivariate

import "math/rand/v2"

// MaxProjected is the number of columns that a Projection makes.
const MaxProjected = 128

// spread is the number of columns that each column is spread over.
const spread = 4

// Projection maps rows to 128 columns by one random sparse map that nearly keeps distances: each column is added, with a random sign and weight ½, to
// four others (the sparse Johnson–Lindenstrauss transform of D. Kane and J. Nelson, JACM 61, 2014).
type Projection struct {
	targets []int
	weights []float64
}

// NewProjection draws the map of rows of so many columns.
func NewProjection(columns int, rng *rand.Rand) Projection {
	p := Projection{targets: make([]int, columns*spread), weights: make([]float64, columns*spread)}
	for i := range p.targets {
		p.targets[i] = rng.IntN(MaxProjected)
		p.weights[i] = 0.5 - float64(rng.IntN(2))
	}
	return p
}

// Row adds a row's image to one of zeros.
func (p Projection) Row(row []float32, image []float64) {
	for k, v := range row {
		for s := k * spread; s < (k+1)*spread; s++ {
			image[p.targets[s]] += float64(v) * p.weights[s]
		}
	}
}
