package calibration

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// source draws samples of one distribution.
type source struct {
	name string
	kind detect.FeatureType

	// draw returns a sample of n usable values.
	draw func(rng *rand.Rand, n int) detect.Sample

	constraint *detect.Constraint
}

// sources are the null distributions of features.
func sources() []source {
	low, high := -1.5, 1.5
	limits := &detect.Constraint{Min: &low, Max: &high}
	allowed := &detect.Constraint{Allowed: []string{"c0", "c1", "c2", "c3", "c4"}}
	return []source{
		numeric("normal", limits, func(rng *rand.Rand) float64 { return rng.NormFloat64() }),
		numeric("uniform", limits, func(rng *rand.Rand) float64 { return 4*rng.Float64() - 2 }),
		numeric("exponential", limits, func(rng *rand.Rand) float64 { return rng.ExpFloat64() }),
		numeric("heavy tail", limits, studentT3),
		numeric("five values", limits, func(rng *rand.Rand) float64 { return math.Round(min(max(2*rng.NormFloat64()/1.5, -2), 2)) }),
		numeric("four fifths 0", limits, func(rng *rand.Rand) float64 {
			if rng.Float64() < 0.8 {
				return 0
			}
			return rng.ExpFloat64()
		}),
		categories("two", allowed, 2, 0),
		categories("ten, even", allowed, 10, 0),
		categories("fifty, Zipf", allowed, 50, 1),
		booleans("half", 0.5),
		booleans("one in fifty", 0.02),
		{name: "sentences", kind: detect.Text, draw: sentences, constraint: &detect.Constraint{Format: "json"}},
		arrivals("steady", 0, 1),
		arrivals("by the hour of the day", 0.8, 1),
		arrivals("whole minutes", 0, 60_000_000),
		vectors("normal, 8", 8, func(rng *rand.Rand) float64 { return rng.NormFloat64() }),
		vectors("heavy tail, 16", 16, studentT3),
	}
}

// studentT3 has a variance, but hardly.
func studentT3(rng *rand.Rand) float64 {
	a, b, c := rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()
	return rng.NormFloat64() / math.Sqrt((a*a+b*b+c*c)/3)
}

func numeric(name string, constraint *detect.Constraint, draw func(*rand.Rand) float64) source {
	return source{name: name, kind: detect.Numeric, constraint: constraint, draw: func(rng *rand.Rand, n int) detect.Sample {
		values := make([]float64, n)
		for i := range values {
			values[i] = draw(rng)
		}
		slices.Sort(values)
		return withMissing(rng, detect.Sample{Sorted: values}, n)
	}}
}

// withMissing adds rows without a value: of ten rows one, on average.
func withMissing(rng *rand.Rand, s detect.Sample, n int) detect.Sample {
	for left := n; left > 0; {
		if rng.Float64() < 0.1 {
			s.Missing++
		} else {
			left--
		}
	}
	s.Rows = int64(n) + s.Missing
	return s
}

// categories draws from k of them: as likely as each other with a skew of 0, by Zipf's law with 1.
func categories(name string, constraint *detect.Constraint, k int, skew float64) source {
	cumulative := zipf(k, skew)
	return source{name: name, kind: detect.Categorical, constraint: constraint, draw: func(rng *rand.Rand, n int) detect.Sample {
		counts := map[string]int64{}
		for range n {
			counts[fmt.Sprintf("c%d", pick(rng, cumulative))]++
		}
		return withMissing(rng, detect.Sample{Counts: counts}, n)
	}}
}

func zipf(k int, skew float64) []float64 {
	cumulative := make([]float64, k)
	total := 0.0
	for i := range cumulative {
		total += math.Pow(float64(i+1), -skew)
		cumulative[i] = total
	}
	return cumulative
}

func pick(rng *rand.Rand, cumulative []float64) int {
	i, _ := slices.BinarySearch(cumulative, rng.Float64()*cumulative[len(cumulative)-1])
	return min(i, len(cumulative)-1)
}

func booleans(name string, rate float64) source {
	return source{name: name, kind: detect.Boolean, draw: func(rng *rand.Rand, n int) detect.Sample {
		counts := map[string]int64{}
		for range n {
			counts[strconv.FormatBool(rng.Float64() < rate)]++
		}
		return withMissing(rng, detect.Sample{Counts: counts}, n)
	}}
}

// sentences are model outputs: mostly words by Zipf's law that repeat within a text, some refusals, some JSON.
func sentences(rng *rand.Rand, n int) detect.Sample {
	words := zipf(400, 1)
	texts := make([]string, n)
	for i := range texts {
		var text strings.Builder
		switch rng.IntN(10) {
		case 0:
			text.WriteString("I'm sorry, but I can't help with that. ")
		case 1, 2, 3:
			texts[i] = fmt.Sprintf(`{"answer": "w%d"}`, pick(rng, words))
			continue
		}
		topic := pick(rng, words)
		for range 3 + rng.IntN(20) {
			if rng.IntN(3) == 0 { // words of one text hang together
				fmt.Fprintf(&text, "w%d ", topic)
			} else {
				fmt.Fprintf(&text, "w%d ", pick(rng, words))
			}
		}
		texts[i] = text.String()
	}
	return withMissing(rng, detect.Sample{Texts: texts}, n)
}

// hours is how long it takes a hundred arrivals, so that 200 take two weeks.
const hours = 168

// arrivals are instants whose intensity swings with the hour of the day, in whole units of microseconds.
func arrivals(name string, swing float64, unit int64) source {
	return source{name: name, kind: detect.Timestamp, draw: func(rng *rand.Rand, n int) detect.Sample {
		length := hours * float64(n) / 100
		times := make([]int64, 0, n)
		for len(times) < n {
			hour := rng.Float64() * length
			if rng.Float64()*(1+swing) < 1+swing*math.Sin(2*math.Pi*hour/24) {
				times = append(times, int64(hour*3.6e9)/unit*unit)
			}
		}
		slices.Sort(times)
		return withMissing(rng, detect.Sample{Times: times}, n)
	}}
}

// vectors have columns that hang together.
func vectors(name string, columns int, draw func(*rand.Rand) float64) source {
	return source{name: name, kind: detect.Vector, draw: func(rng *rand.Rand, n int) detect.Sample {
		values := make([]float32, 0, n*columns)
		for range n {
			common := draw(rng)
			for range columns {
				values = append(values, float32(draw(rng)+common))
			}
		}
		return withMissing(rng, detect.Sample{Vectors: detect.NewMatrix(columns, values)}, n)
	}}
}

// tables are the null distributions of whole rows.
func tables() []tableSource {
	return []tableSource{
		{"mixed", func(rng *rand.Rand) float64 { return rng.NormFloat64() }},
		{"mixed, heavy tails", studentT3},
	}
}

type tableSource struct {
	name string
	draw func(*rand.Rand) float64
}

// table has three numbers of which two hang together, a category and a boolean; one value of twenty is missing.
func (s tableSource) table(rng *rand.Rand, n int) detect.Table {
	numbers := [3][]float64{}
	codes, flags := make([]int32, n), make([]int32, n)
	for j := range numbers {
		numbers[j] = make([]float64, n)
	}
	for i := range n {
		x := s.draw(rng)
		numbers[0][i], numbers[1][i], numbers[2][i] = x, x+s.draw(rng), math.Abs(s.draw(rng))
		codes[i], flags[i] = int32(rng.IntN(5)), int32(rng.IntN(2))
		if rng.IntN(20) == 0 {
			numbers[rng.IntN(3)][i] = math.NaN()
		}
		if rng.IntN(20) == 0 {
			codes[i] = -1
		}
	}
	return detect.Table{Rows: n, Columns: []detect.TableColumn{
		{Name: "x", Type: detect.Numeric, Numbers: numbers[0]},
		{Name: "y", Type: detect.Numeric, Numbers: numbers[1]},
		{Name: "z", Type: detect.Numeric, Numbers: numbers[2]},
		{Name: "region", Type: detect.Categorical, Codes: codes, Names: []string{"a", "b", "c", "d", "e"}},
		{Name: "flag", Type: detect.Boolean, Codes: flags, Names: []string{"false", "true"}},
	}}
}
