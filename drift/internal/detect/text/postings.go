package text

import (
	"hash/fnv"
	"math/rand/v2"
)

// maxPosted is the number of different words that take part in tests of the vocabulary. Of more, every second, third, … by a hash takes part:
// a choice that depends on the word alone, so that shares stay what they are.
const maxPosted = 1 << 16

// postings say for some words which texts have them.
type postings struct {
	starts   []int32 // of each word's texts, with an end
	texts    []int32 // in ascending order for each word
	occur    []int32 // occurrences of each word in all texts
	lengths  []int32 // occurrences of all these words in each text
	baseline int     // texts of the baseline, which come first
}

// posted lists the texts of words. It keeps the words that at most most texts have.
func (c *Corpus) posted(baseline, current []reading, most int) postings {
	all := append(append(make([]reading, 0, len(baseline)+len(current)), baseline...), current...)
	p := postings{baseline: len(baseline), lengths: make([]int32, len(all))}
	frequency, last := make([]int32, len(c.words)), make([]int32, len(c.words)) // last is the text of the last occurrence, from 1 on
	chosen := c.chosen()
	for i, text := range all {
		for _, word := range text {
			if word < 0 || !chosen[word] {
				continue
			}
			p.lengths[i]++
			if last[word] != int32(i+1) {
				last[word] = int32(i + 1)
				frequency[word]++
			}
		}
	}
	place, total := make([]int32, len(c.words)), int32(0) // texts are at most 2·maxTexts, and their words below 2^31
	for word, texts := range frequency {
		place[word] = -1
		if texts > 0 && int(texts) <= most {
			place[word] = int32(len(p.starts))
			p.starts = append(p.starts, total)
			total += texts
		}
	}
	p.occur, p.texts = make([]int32, len(p.starts)), make([]int32, total)
	next := append([]int32(nil), p.starts...)
	p.starts = append(p.starts, total)
	clear(last)
	for i, text := range all {
		for _, word := range text {
			if word < 0 || !chosen[word] || place[word] < 0 {
				continue
			}
			k := place[word]
			p.occur[k]++
			if last[word] != int32(i+1) {
				last[word] = int32(i + 1)
				p.texts[next[k]] = int32(i)
				next[k]++
			}
		}
	}
	return p
}

// chosen tells which words take part.
func (c *Corpus) chosen() []bool {
	every := uint64((len(c.words)-1)/maxPosted + 1)
	chosen := make([]bool, len(c.words))
	for i, word := range c.words {
		h := fnv.New64a()
		_, _ = h.Write([]byte(word)) // never fails
		chosen[i] = every <= 1 || h.Sum64()%every == 0
	}
	return chosen
}

// of returns the texts that have a word.
func (p *postings) of(word int) []int32 { return p.texts[p.starts[word]:p.starts[word+1]] }

// sides says of each text whether it is on the current side.
type sides []bool

func (p *postings) sides() sides {
	s := make(sides, len(p.lengths))
	for i := p.baseline; i < len(s); i++ {
		s[i] = true
	}
	return s
}

// shuffle gives the texts to the sides anew.
func (s sides) shuffle(rng *rand.Rand) {
	rng.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// length is the number of words on the current side, or on the other.
func (p *postings) length(s sides, current bool) (length int64) {
	for i, words := range p.lengths {
		if s[i] == current {
			length += int64(words)
		}
	}
	return length
}
