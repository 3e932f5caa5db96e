package detect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/drift/internal/detect/output"
	"github.com/aumos-enterprise/platform/drift/internal/detect/text"
)

func measureTextLength(c *comparison, _ TestSetting) Finding {
	f, err := c.compareSorted(lengths(c.Baseline.Texts), lengths(c.Current.Texts))
	if err != nil {
		return Failed(fmt.Errorf("compare lengths: %w", err))
	}
	return f
}

// lengths returns the numbers of characters in ascending order.
func lengths(texts []string) []float64 {
	list := make([]float64, len(texts))
	for i, t := range texts {
		list[i] = float64(utf8.RuneCountInString(t))
	}
	slices.Sort(list)
	return list
}

// words reads both sides' words once for all tests.
func (c *comparison) words() *text.Corpus {
	if c.corpus == nil {
		c.corpus = text.Read(c.Baseline.Texts, c.Current.Texts)
	}
	return c.corpus
}

// wordless is the finding on an error of package text.
func wordless(err error) Finding {
	if errors.Is(err, text.ErrNoWords) {
		return Undecided(err.Error())
	}
	return Failed(fmt.Errorf("compare words: %w", err))
}

func measureFrequencies(c *comparison, t TestSetting) Finding {
	r, err := c.words().CompareFrequencies(c.draws(t))
	if err != nil {
		return wordless(err)
	}
	return Finding{Statistic: r.V, P: r.P, Method: PPermutation, Effect: r.V, Threshold: finite(r.Critical), Direction: changed(r.V)}
}

func measureUnknown(c *comparison, t TestSetting) Finding {
	r, err := c.words().CompareUnknown(c.draws(t))
	if err != nil {
		return wordless(err)
	}
	return Finding{
		Statistic: r.Share, P: r.P, Method: PPermutation, Effect: r.Excess(), Threshold: finite(r.Critical), Direction: sign(r.Excess()),
	}
}

func measureRichness(c *comparison, t TestSetting) Finding {
	r, err := c.words().CompareRichness(c.draws(t))
	if err != nil {
		return wordless(err)
	}
	return Finding{
		Statistic: r.LogRatio, P: r.P, Method: PPermutation, Effect: math.Abs(r.LogRatio), Threshold: finite(r.Critical), Direction: sign(r.LogRatio),
	}
}

func measureRefusals(c *comparison, _ TestSetting) Finding {
	return compareRates(countTexts(c.Baseline, output.Refuses, c.ended), countTexts(c.Current, output.Refuses, c.ended), c.settings)
}

func measureFormat(c *comparison, _ TestSetting) Finding {
	if c.Constraint == nil || c.Constraint.Format == "" {
		return NotApplicable("the feature has no constraint with a format")
	}
	if c.Constraint.Format != "json" {
		return Failed(fmt.Errorf("unknown format %q", c.Constraint.Format))
	}
	invalid := func(t string) bool { return !output.ValidJSON(t) }
	return compareRates(countTexts(c.Baseline, invalid, c.ended), countTexts(c.Current, invalid, c.ended), c.settings)
}

func countTexts(s Sample, is func(string) bool, ended ended) rate {
	r := rate{of: int64(len(s.Texts))}
	for _, t := range s.Texts {
		if ended.now() {
			break
		}
		if is(t) {
			r.count++
		}
	}
	return r
}

// explainWords shows the words that moved, once a test has read them.
func (c *comparison) explainWords() *Explanation {
	moved, unseen, vanished, unseenTotal, vanishedTotal := c.corpus.Moved(maxCategories)
	return &Explanation{
		Categories: wordChanges(moved), Unseen: wordChanges(unseen), Vanished: wordChanges(vanished), UnseenTotal: unseenTotal, VanishedTotal: vanishedTotal,
	}
}

func wordChanges(words []text.Change) (changes []CategoryChange) {
	for _, w := range words {
		changes = append(changes, CategoryChange{Category: w.Word, BaselineShare: w.Baseline, CurrentShare: w.Current, Change: w.Current - w.Baseline})
	}
	return changes
}
