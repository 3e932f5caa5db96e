package detect_test

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// FuzzEveryTest makes every convention of every test on features of each type whose values are the fuzzed bytes.
func FuzzEveryTest(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), []byte("fedcba9876543210"), uint64(0))
	f.Add(make([]byte, 256), []byte{255, 1, 0, 0, 0, 0, 0xf0, 0x7f, 0, 0, 0, 0, 0, 0, 0xf0, 0xff}, uint64(7))
	f.Add([]byte("I'm sorry, I can't. {\"a\": 1} {\"a\": 1} {\"a\": 1}"), []byte("the cat sat on the mat the cat sat on the mat"), uint64(1))
	f.Fuzz(func(t *testing.T, first, second []byte, seed uint64) {
		first, second = first[:min(len(first), 1024)], second[:min(len(second), 1024)]
		in := detect.Input{}
		for _, kind := range detect.AllTypes() {
			in.Features = append(in.Features, detect.FeatureInput{
				Name: string(kind), Type: kind, Baseline: bytesOf(kind, first), Current: bytesOf(kind, second), Tests: everyTest(kind),
			})
		}
		in.Rows = &detect.RowInput{Tests: everyRowTest(), Baseline: tableOf(first), Current: tableOf(second)}
		hold(t, "fuzzed", in, detect.Settings{Seed: seed})
	})
}

// bytesOf makes a valid sample of bytes.
func bytesOf(kind detect.FeatureType, data []byte) detect.Sample {
	var s detect.Sample
	words := words(data)
	switch kind {
	case detect.Numeric:
		for _, w := range words {
			if v := math.Float64frombits(w); v-v == 0 { // others are refused, which is tested elsewhere
				s.Sorted = append(s.Sorted, v)
			}
		}
		slices.Sort(s.Sorted)
		s.Rows = int64(len(s.Sorted))
	case detect.Categorical, detect.Boolean:
		s.Counts = map[string]int64{}
		for _, b := range data {
			name := string(rune(b))
			if kind == detect.Boolean {
				name = []string{"false", "true"}[b%2]
			}
			s.Counts[name] += 1 + int64(b>>6)
			s.Rows += 1 + int64(b>>6)
		}
	case detect.Text:
		for len(data) > 0 {
			n := min(int(data[0]%32)+1, len(data))
			s.Texts, data = append(s.Texts, string(data[:n])), data[n:]
		}
		s.Rows = int64(len(s.Texts))
	case detect.Timestamp:
		for _, w := range words {
			s.Times = append(s.Times, int64(w))
		}
		slices.Sort(s.Times)
		s.Rows = int64(len(s.Times))
	case detect.Vector:
		var values []float32
		for _, b := range data[:len(data)/3*3] {
			values = append(values, float32(int8(b)))
		}
		cut := len(values) / 6 * 3 // two pieces
		s.Vectors = detect.NewMatrix(3, values[:cut], values[cut:])
		s.Rows = int64(s.Vectors.Rows)
	}
	return s
}

func words(data []byte) (words []uint64) {
	for ; len(data) >= 8; data = data[8:] {
		words = append(words, binary.LittleEndian.Uint64(data))
	}
	return words
}

func tableOf(data []byte) detect.Table {
	n := len(data) / 9
	numbers, codes := make([]float64, n), make([]int32, n)
	for i := range n {
		numbers[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[9*i:]))
		if math.IsInf(numbers[i], 0) {
			numbers[i] = math.NaN() // missing; infinities are refused
		}
		codes[i] = int32(data[9*i+8]%4) - 1
	}
	return detect.Table{Rows: n, Columns: []detect.TableColumn{
		{Name: "x", Type: detect.Numeric, Numbers: numbers},
		{Name: "c", Type: detect.Categorical, Codes: codes, Names: []string{"a", "b", "c"}},
	}}
}
