// Package text compares the words of two sides' texts: how frequent they are, which are new, and how many there are.
//
// The null hypothesis is that the texts of both sides are exchangeable: drawn independently from one source. The words of one text are not
// independent, so that p-values come from giving whole texts to the sides anew, never words.
package text

import (
	"errors"
)

// ErrNoWords says that the texts of a side have no word.
var ErrNoWords = errors.New("the texts of a side have no words")

// Limits on what is read, so that memory and time are bounded whatever the texts.
const (
	maxTexts = 20_000  // of a side; of more, as many evenly spaced ones are read
	maxWords = 1 << 23 // of both sides together, unless leastWords of each text are more
	least    = 256     // words of a text that are read in any case
	maxKnown = 1 << 20 // different words; those first met later count as one that is nobody's
)

// Corpus is the words of two sides' texts. It is read only once made.
type Corpus struct {
	words             []string // by number
	baseline, current []reading
}

// reading is the words of one text, by number, in order; −1 for one that is nobody's.
type reading []int32

// Read splits texts into words. Of more than 20,000 texts a side it takes as many evenly spaced ones, of each the first 2²³ words over the
// number of texts, though at least 256, and it tells 2²⁰ different words apart.
func Read(baseline, current []string) *Corpus {
	baseline, current = thin(baseline, maxTexts), thin(current, maxTexts)
	n, m := len(baseline), len(current)
	r := reader{numbers: make(map[string]int32), most: least}
	if n+m > 0 {
		r.most = max(least, maxWords/(n+m))
	}
	c := &Corpus{baseline: make([]reading, 0, n), current: make([]reading, 0, m)}
	// The sides take turns, so that neither is favoured where words are too many to be told apart.
	for len(c.baseline) < n || len(c.current) < m {
		if i, j := len(c.baseline), len(c.current); j == m || i < n && i*m <= j*n {
			c.baseline = append(c.baseline, r.read(baseline[i]))
		} else {
			c.current = append(c.current, r.read(current[j]))
		}
	}
	c.words = r.words
	return c
}

// thin returns at most n evenly spaced ones of a list.
func thin[T any](list []T, n int) []T {
	if len(list) <= n {
		return list
	}
	thinned := make([]T, n)
	for i := range thinned {
		thinned[i] = list[i*len(list)/n] // both below 2^31
	}
	return thinned
}
