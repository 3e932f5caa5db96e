package text

import (
	"math"

	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
)

// Unknown is the outcome of looking for words that the baseline does not have.
type Unknown struct {
	Share    float64 // of the current words, in [0,1]
	Expected float64 // the mean of Share over the re-labelled samples
	Critical float64 // Share at p = alpha; NaN where there is none
	P        float64 // one-sided: of as large a share or a larger one
}

// Excess is the share of unknown words beyond what texts of one source have.
func (u Unknown) Excess() float64 { return max(0, u.Share-u.Expected) }

// CompareUnknown tests the null hypothesis that both sides' texts come from one source by the share of the current words that no text of the
// baseline has. Even texts of one source have unknown words, the more the smaller the baseline: P comes from giving texts to the sides anew,
// where a word is unknown when all texts that have it are on the current side.
//
// It returns ErrNoWords when a side has none.
func (c *Corpus) CompareUnknown(d permutation.Draws) (Unknown, error) {
	n, m := len(c.baseline), len(c.current)
	if n == 0 || m == 0 {
		return Unknown{}, ErrNoWords
	}
	p := c.posted(c.baseline, c.current, n+m)
	s := p.sides()
	if p.length(s, true) == 0 || p.length(s, false) == 0 {
		return Unknown{}, ErrNoWords
	}
	u := Unknown{Share: p.unknown(s)}
	// A word of many texts is never unknown by chance: drawn samples do without those.
	if frequent := rarest(n, m); frequent < n+m {
		p = c.posted(c.baseline, c.current, frequent)
	}
	drawn, exceed := make([]float64, d.Count), 0
	for i := range drawn {
		if d.Over() {
			break
		}
		s.shuffle(d.Rand)
		drawn[i] = p.unknown(s)
		u.Expected += drawn[i] / float64(d.Count)
		if drawn[i] >= u.Share-1e-12 {
			exceed++
		}
	}
	u.P, u.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(drawn, d.Alpha)
	return u, nil
}

// rarest is the number of texts above which no word is unknown by chance, with a probability of 1 − 10⁻¹² for each.
func rarest(n, m int) int {
	p := 1.0
	for i := range m {
		if p *= float64(m-i) / float64(n+m-i); p < 1e-12 {
			return i + 1
		}
	}
	return m
}

// unknown is the share of the current words that no other text has; 0 when there are no words.
func (p *postings) unknown(s sides) float64 {
	var count int64
words:
	for word, occurrences := range p.occur {
		for _, text := range p.of(word) {
			if !s[text] {
				continue words
			}
		}
		count += int64(occurrences)
	}
	return float64(count) / float64(max(1, p.length(s, true)))
}

// Richness is the outcome of comparing how many different words there are.
type Richness struct {
	LogRatio float64 // of the current index to the baseline's
	Critical float64 // |LogRatio| at p = alpha; NaN where there is none
	P        float64 // two-sided
}

// CompareRichness compares P. Guiraud's index of the two sides, V/√T for V different among T words, which texts of one source but of other
// lengths share nearly. The larger side is thinned to as many evenly spaced texts as the smaller has. P comes from giving texts to the sides anew.
//
// It returns ErrNoWords when a side has none.
func (c *Corpus) CompareRichness(d permutation.Draws) (Richness, error) {
	size := min(len(c.baseline), len(c.current))
	p := c.posted(thin(c.baseline, size), thin(c.current, size), 2*size)
	s := p.sides()
	r := Richness{LogRatio: p.logRatio(s)}
	if math.IsNaN(r.LogRatio) {
		return Richness{}, ErrNoWords
	}
	drawn, exceed := make([]float64, d.Count), 0
	for i := range drawn {
		if d.Over() {
			break
		}
		s.shuffle(d.Rand)
		drawn[i] = math.Abs(p.logRatio(s))
		if !(drawn[i] < math.Abs(r.LogRatio)-1e-12) { // a division that leaves a side without words is no evidence
			exceed++
		}
	}
	r.P, r.Critical = permutation.PValue(exceed, d.Count), permutation.Critical(drawn, d.Alpha)
	return r, nil
}

// logRatio is ln(V₂/√T₂) − ln(V₁/√T₁); NaN when a side has no words.
func (p *postings) logRatio(s sides) float64 {
	var before, after int64
	for word := range p.occur {
		texts := p.of(word)
		first := s[texts[0]]
		both := false
		for _, text := range texts[1:] {
			if s[text] != first {
				both = true
				break
			}
		}
		if first || both {
			after++
		}
		if !first || both {
			before++
		}
	}
	if before == 0 || after == 0 {
		return math.NaN()
	}
	return math.Log(float64(after)/float64(before)) - math.Log(float64(p.length(s, true))/float64(p.length(s, false)))/2
}
