package text

import (
	"cmp"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

const (
	// maxCells is the number of words that are compared one by one.
	maxCells = 50
	// maxBlocks is the number of parts into which the smaller side is cut at most.
	maxBlocks = 2_000
)

// Frequencies is the outcome of comparing how frequent words are.
type Frequencies struct {
	V        float64 // in [0,1]
	Critical float64 // V at p = alpha; NaN where there is none
	P        float64
}

// Change is a word's share of all words on either side.
type Change struct {
	Word              string
	Baseline, Current float64
}

// CompareFrequencies compares the shares p and q of the 50 words that are most frequent on both sides together, and of all others as one. The
// statistic is the balanced Cramér's V,
//
//	V = √(½·Σ (p−q)²/(p+q)),
//
// which is 0 for equal shares and 1 when no word is on both sides. P comes from giving texts to the sides anew: above 2,000 texts of the smaller
// side, blocks of as many neighbouring texts of either side, so that what goes on from text to text is kept; texts that fill no block are left out.
//
// It returns ErrNoWords when a side has none.
func (c *Corpus) CompareFrequencies(d permutation.Draws) (Frequencies, error) {
	size := max(1, (min(len(c.baseline), len(c.current))+maxBlocks-1)/maxBlocks)
	cell := c.cells()
	blocks := appendBlocks(nil, c.baseline, size, cell)
	n := len(blocks)
	blocks = appendBlocks(blocks, c.current, size, cell)
	total, first := sum(blocks), sum(blocks[:n])
	f := Frequencies{V: first.distance(total)}
	if math.IsNaN(f.V) {
		return Frequencies{}, ErrNoWords
	}
	side := min(n, len(blocks)-n)
	statistics, exceed := make([]float64, d.Count), 0
	for i := range statistics {
		if d.Over() {
			break
		}
		for j := range side { // the first ones of a shuffle
			k := j + d.Rand.IntN(len(blocks)-j)
			blocks[j], blocks[k] = blocks[k], blocks[j]
		}
		statistics[i] = sum(blocks[:side]).distance(total)
		if !(statistics[i] < f.V-1e-12) { // a division that leaves a side without words is no evidence
			exceed++
		}
	}
	f.P, f.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(statistics, d.Alpha)
	return f, nil
}

// counts are the words of a text or of many, by cell.
type counts [maxCells + 1]int32

type sums [maxCells + 1]int64

func appendBlocks(blocks []*counts, texts []reading, size int, cell []int8) []*counts {
	made := make([]counts, len(texts)/size)
	for i := range made {
		for _, text := range texts[i*size : (i+1)*size] {
			for _, word := range text {
				if word < 0 {
					made[i][maxCells]++
				} else {
					made[i][cell[word]]++
				}
			}
		}
		blocks = append(blocks, &made[i])
	}
	return blocks
}

func sum(blocks []*counts) (s sums) {
	for _, b := range blocks {
		for i, count := range b {
			s[i] += int64(count)
		}
	}
	return s
}

// distance is V between these words and the others of total; NaN when either are none.
func (s sums) distance(total sums) float64 {
	var own, all int64
	for i := range s {
		own += s[i]
		all += total[i]
	}
	if own == 0 || own == all {
		return math.NaN()
	}
	square := 0.0
	for i := range s {
		if total[i] == 0 {
			continue
		}
		p, q := float64(s[i])/float64(own), float64(total[i]-s[i])/float64(all-own)
		square += (p - q) * (p - q) / (p + q)
	}
	return min(1, math.Sqrt(square/2))
}

// cells gives the most frequent words of both sides together a cell each, and all others the last.
func (c *Corpus) cells() []int8 {
	total := slices.Concat(c.count(c.baseline), nil)
	for word, count := range c.count(c.current) {
		total[word] += count
	}
	cell := make([]int8, len(c.words))
	for i := range cell {
		cell[i] = maxCells
	}
	for i, word := range c.largest(maxCells, func(word int) float64 { return float64(total[word]) }) {
		cell[word] = int8(i) // below maxCells
	}
	return cell
}

// count returns how often each word occurs.
func (c *Corpus) count(texts []reading) []int64 {
	counts := make([]int64, len(c.words))
	for _, text := range texts {
		for _, word := range text {
			if word >= 0 {
				counts[word]++
			}
		}
	}
	return counts
}

// largest returns the n words with the largest values above 0, of equals the first in the alphabet.
func (c *Corpus) largest(n int, value func(word int) float64) []int {
	chosen := make([]int, 0, len(c.words))
	for word := range c.words {
		if value(word) > 0 {
			chosen = append(chosen, word)
		}
	}
	slices.SortFunc(chosen, func(a, b int) int {
		return cmp.Or(cmp.Compare(value(b), value(a)), cmp.Compare(c.words[a], c.words[b]))
	})
	return chosen[:min(n, len(chosen))]
}

// Moved returns the n words whose shares changed most, unseen the n most frequent words that only the current side has, and vanished those
// that only the baseline has, with the number of all such words.
func (c *Corpus) Moved(n int) (moved, unseen, vanished []Change, unseenTotal, vanishedTotal int) {
	before, after := c.count(c.baseline), c.count(c.current)
	p, q := shares(before), shares(after)
	for word := range c.words {
		switch {
		case before[word] == 0 && after[word] > 0:
			unseenTotal++
		case after[word] == 0 && before[word] > 0:
			vanishedTotal++
		}
	}
	changes := func(value func(word int) float64) (list []Change) {
		for _, word := range c.largest(n, value) {
			list = append(list, Change{c.words[word], p[word], q[word]})
		}
		return list
	}
	moved = changes(func(word int) float64 { return math.Abs(p[word] - q[word]) })
	unseen = changes(func(word int) float64 { return q[word] * none(before[word]) })
	vanished = changes(func(word int) float64 { return p[word] * none(after[word]) })
	return moved, unseen, vanished, unseenTotal, vanishedTotal
}

func none(count int64) float64 {
	if count == 0 {
		return 1
	}
	return 0
}

func shares(counts []int64) []float64 {
	var total int64
	for _, count := range counts {
		total += count
	}
	list := make([]float64, len(counts))
	for i, count := range counts {
		list[i] = float64(count) / float64(max(total, 1))
	}
	return list
}
