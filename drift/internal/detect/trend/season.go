package trend

import "math"

// maxFrequencies bounds the frequencies that a season is looked for at.
const maxFrequencies = 256

// named periods in days: day, week, month and year, each looked for where the series is long and dense enough.
//
//nolint:gochecknoglobals // a constant table
var namedPeriods = []float64{1, 7, 30.436875, 365.2425}

// Season is the strongest cycle of a series.
type Season struct {
	Period    float64 // days
	Amplitude float64 // of the fitted wave, in the unit of the values
	Strength  float64 // share of the variance about the trend that the wave explains, 0 to 1
	P         float64 // corrected for the number of frequencies looked at
	Tried     int     // frequencies looked at
	residual  float64 // sum of squares that is left
}

// Seasonality looks for a cycle of at least two rounds. Null hypothesis: the values are normal noise about a straight line, independent or with a memory of
// one step.
//
// At each frequency f the wave a·cos 2πft + b·sin 2πft is added to the line by least squares, and F = (R/2)/((Q − R)/(n − 4 − lost)) compares the
// sum of squares R that it takes from Q, which is exact for any spacing of the times (the periodogram of N. R. Lomb and J. D. Scargle with a
// floating trend). Its p-value ((Q − R)/Q)^((n−4−lost)/2) is multiplied by the number of frequencies: the k/T for T the length of the series,
// 2 ≤ k < n/2 and at most 256 of them, and those of a day, a week, a month and a year. Lost counts parameters fitted before.
//
// Noise that remembers the value before has more of slow waves, by S(f) = (1−ρ²)/(1+ρ²−2ρ·cos 2πf·gap) for the autocorrelation ρ of neighbours (D. L. Gilman
// and others, 1963). Where it is significant in what the strongest wave leaves, F is divided by S(f), and the least p-value is the season's.
func Seasonality(days, values []float64, gap float64, lost int) (Season, bool) {
	n := len(days)
	freedom := float64(n - 4 - lost)
	if freedom < 2 {
		return Season{}, false
	}
	basis := newLine(days)
	rest := basis.remove(values)
	q := dot(rest, rest)
	// Smaller sums are what rounding leaves of values on a line.
	if !(q > 1e-24*float64(n)*squareOf(values)) {
		return Season{}, false
	}
	var waves []candidate
	cosine, sine := make([]float64, n), make([]float64, n)
	for _, f := range frequencies(days, gap) {
		for i, d := range days {
			sine[i], cosine[i] = math.Sincos(2 * math.Pi * math.Mod(f*d, 1))
		}
		if taken, a, b, ok := wave(basis, rest, cosine, sine); ok {
			waves = append(waves, candidate{frequency: f, a: a, b: b, strength: min(taken, q) / q, noise: 1})
		}
	}
	if len(waves) == 0 {
		return Season{}, false
	}
	best := strongest(waves, freedom)
	if rho := neighbours(basis.remove(best.removed(days, rest))); rho > significantMemory/math.Sqrt(float64(n)) {
		// What a line and a wave take away of the memory is put back.
		rho = min(rho+4/float64(n), 0.95)
		for i, w := range waves {
			waves[i].noise = (1 - rho*rho) / (1 + rho*rho - 2*rho*math.Cos(2*math.Pi*w.frequency*gap))
		}
		best = strongest(waves, freedom)
	}
	return Season{
		Period: 1 / best.frequency, Amplitude: math.Hypot(best.a, best.b), Strength: best.strength,
		P: min(best.p(freedom)*float64(len(waves)), 1), Tried: len(waves), residual: q * (1 - best.strength),
	}, true
}

// candidate is the wave a·cos 2πft + b·sin 2πft.
type candidate struct {
	frequency, a, b float64
	strength        float64 // the share of the squares that it takes
	noise           float64 // how much more of this frequency the noise has than independent values
}

// p is that of F over the noise, with 2 and freedom degrees of freedom.
func (c candidate) p(freedom float64) float64 {
	left := 1 - c.strength
	return math.Pow(left/(left+c.strength/c.noise), freedom/2)
}

// strongest is the candidate with the least p-value, of equals the first.
func strongest(waves []candidate, freedom float64) candidate {
	best := waves[0]
	for _, w := range waves[1:] {
		if w.p(freedom) < best.p(freedom) || w.p(freedom) == best.p(freedom) && w.strength > best.strength {
			best = w
		}
	}
	return best
}

// removed is what the wave leaves.
func (c candidate) removed(days, values []float64) []float64 {
	rest := make([]float64, len(values))
	for i, d := range days {
		sine, cosine := math.Sincos(2 * math.Pi * math.Mod(c.frequency*d, 1))
		rest[i] = values[i] - c.a*cosine - c.b*sine
	}
	return rest
}

// wave fits a·cosine + b·sine beside the line to what the line left, and returns the sum of squares that it takes away, a and b; or false
// where the times do not tell the two apart.
func wave(basis line, rest, cosine, sine []float64) (taken, a, b float64, ok bool) {
	c, s := basis.remove(cosine), basis.remove(sine)
	cc, ss, cs := dot(c, c), dot(s, s), dot(c, s)
	det := cc*ss - cs*cs
	if n := float64(len(rest)); !(det > 1e-8*n*n) {
		return 0, 0, 0, false
	}
	cr, sr := dot(c, rest), dot(s, rest)
	a, b = (ss*cr-cs*sr)/det, (cc*sr-cs*cr)/det
	return max(a*cr+b*sr, 0), a, b, true
}

// frequencies are per day.
func frequencies(days []float64, gap float64) []float64 {
	n := len(days)
	span := days[n-1] - days[0]
	length := span * float64(n) / float64(n-1) // of n even steps
	var f []float64
	for k := 2; 2*k < n && len(f) < maxFrequencies; k++ {
		f = append(f, float64(k)/length)
	}
	for _, period := range namedPeriods {
		if 2*period <= length && period > 2*gap {
			f = append(f, 1/period)
		}
	}
	return f
}

// line is the space of straight lines over some times, by an orthonormal basis: a constant and x.
type line struct {
	x []float64
}

func newLine(days []float64) line {
	m := mean(days)
	x := make([]float64, len(days))
	for i, d := range days {
		x[i] = d - m
	}
	if size := math.Sqrt(dot(x, x)); size > 0 {
		for i := range x {
			x[i] /= size
		}
	}
	return line{x: x}
}

// remove returns what the least-squares line leaves of values.
func (l line) remove(values []float64) []float64 {
	m := mean(values)
	rest := make([]float64, len(values))
	for i, v := range values {
		rest[i] = v - m
	}
	slope := dot(rest, l.x)
	for i := range rest {
		rest[i] -= slope * l.x[i]
	}
	return rest
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// squareOf is the largest square of the values.
func squareOf(values []float64) float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, v*v)
	}
	return largest
}
