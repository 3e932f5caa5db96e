package table

import (
	"hash/maphash"
	"unicode"
)

const (
	// wordsOfProse is the mean number of words from which texts are no names of categories.
	wordsOfProse = 3
	// manyTexts is the number of distinct values up to which they are counted: texts repeat seldom, categories often.
	manyTexts = 1000
)

// hashes tells texts apart without keeping them; a collision takes one from a count.
var hashes = maphash.MakeSeed() //nolint:gochecknoglobals // never changed

// read counts the words of a text, and the text if it is another one.
func (e *evidence) read(text string) {
	inside := false
	for _, r := range text {
		space := unicode.IsSpace(r)
		if !space && !inside {
			e.words++
		}
		inside = !space
	}
	if e.distinct == nil {
		e.distinct = make(map[uint64]struct{})
	}
	if len(e.distinct) < manyTexts {
		e.distinct[maphash.String(hashes, text)] = struct{}{}
	}
}

// prosaic reports whether the values are texts rather than names of categories: of three words or more on average, and more than half of
// them, or very many, distinct.
func (e *evidence) prosaic() bool {
	return e.words >= wordsOfProse*e.values && int64(len(e.distinct)) >= min(e.values/2+1, manyTexts)
}
