package comparison

import (
	"regexp"
	"regexp/syntax"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

// The limits on patterns, in instructions of their compiled form. Matching takes time in proportion to these and to the text: a pattern of a few
// characters, such as (.?){1000} a hundred times, can have 360,000 and take ten minutes for one text.
const (
	maxPattern  = 3_000
	maxPatterns = 30_000 // of a request's together, which all stay in memory
)

// Patterns reads the patterns of one request.
type Patterns struct {
	instructions int // so far
}

// Parse reads a pattern that texts must match as a whole; nil for an empty one.
func (p *Patterns) Parse(field, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	tree, err := syntax.Parse(pattern, syntax.Perl) // by itself, so that the message quotes what was sent
	if err != nil {
		return nil, errs.InvalidField(field, "%v", err)
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, errs.InvalidField(field, "%v", err)
	}
	p.instructions += len(program.Inst)
	switch {
	case len(program.Inst) > maxPattern:
		return nil, errs.InvalidField(field, "has %d steps once its repetitions are written out, %d are the most: repeat less", len(program.Inst), maxPattern)
	case p.instructions > maxPatterns:
		return nil, errs.InvalidField(field, "the patterns have more than %d steps together once their repetitions are written out", maxPatterns)
	}
	compiled, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err != nil {
		return nil, errs.InvalidField(field, "%v", err)
	}
	return compiled, nil
}
