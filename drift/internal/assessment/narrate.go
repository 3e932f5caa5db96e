package assessment

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// mentioned is how many metrics or segments a summary names.
const mentioned = 5

// narrate says in a paragraph what an evaluation found.
func (e Evaluated) narrate() string {
	var text strings.Builder
	drifted := e.with(detect.StatusDrift)
	switch {
	case e.Part.Status == detect.StatusDrift:
		fmt.Fprintf(&text, "The performance got worse: %s.", describe(drifted))
	case e.Part.Status == detect.StatusInsufficientData && min(e.baselineRows, e.currentRows) == 0:
		text.WriteString("Nothing can be said: a side has no usable rows.")
	case len(e.with(detect.StatusOK)) == 0:
		text.WriteString("Nothing can be said: too few rows, or no metric is defined.")
	case e.Part.Status == detect.StatusWarning:
		fmt.Fprintf(&text, "The performance may be getting worse: %s.", describe(e.with(detect.StatusWarning)))
	default:
		text.WriteString("The performance did not get worse by as much as matters.")
	}
	var parts []string
	for _, s := range e.Segments {
		if s.Status == detect.StatusDrift {
			parts = append(parts, fmt.Sprintf("%q (%s)", s.Segment, describe(s.with(detect.StatusDrift)[:1])))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(&text, " It got worse in %d of %d segments: %s.", len(parts), len(e.Segments), list(parts))
	}
	if skipped := e.BaselineSkipped + e.CurrentSkipped; skipped > 0 {
		fmt.Fprintf(&text, " %d rows that lack the truth, the prediction or a score were left out.", skipped)
	}
	return text.String()
}

func (p Part) with(status detect.Status) (changes []Change) {
	for _, c := range p.Changes {
		if c.Status == status {
			changes = append(changes, c)
		}
	}
	return changes
}

func describe(changes []Change) string {
	var parts []string
	for _, c := range changes {
		parts = append(parts, fmt.Sprintf("%s from %.4g to %.4g", c.Current.Metric, c.Baseline.Value, c.Current.Value))
	}
	return list(parts)
}

func list(parts []string) string {
	if more := len(parts) - mentioned; more > 0 {
		return strings.Join(parts[:mentioned], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(parts, ", ")
}

// narrate says in a paragraph what an estimation found.
func (e Estimated) narrate() string {
	var text strings.Builder
	bad, good, unsure := 0, 0, 0
	for _, c := range e.Chunks {
		switch c.Status {
		case detect.StatusDrift:
			bad++
		case detect.StatusWarning:
			good++
		case detect.StatusInsufficientData:
			unsure++
		default:
		}
	}
	switch {
	case len(e.Chunks) == 0:
		text.WriteString("Nothing can be said: the current data have no usable rows.")
	case bad > 0:
		fmt.Fprintf(&text, "The performance is probably worse than the baseline's in %d of %d chunks.", bad, len(e.Chunks))
	case unsure > 0:
		fmt.Fprintf(&text, "Something cannot be estimated in %d of %d chunks.", unsure, len(e.Chunks))
	case good > 0:
		fmt.Fprintf(&text, "The performance is probably better than the baseline's in %d of %d chunks, and in no chunk worse.", good, len(e.Chunks))
	default:
		text.WriteString("The performance is probably as in the baseline.")
	}
	if chunks, metrics := e.unforeseen(); chunks > 0 {
		fmt.Fprintf(&text, " But where the truth is known, it is worse than the thresholds allow in %d of %d chunks (%s): the relation between inputs and truth has probably changed.",
			chunks, len(e.Chunks), list(metrics))
	}
	if len(e.Chunks) > 0 && e.baselineChunks < enoughChunks {
		fmt.Fprintf(&text, " The baseline makes %d chunks of %d rows, and thresholds should be made of at least %d: take smaller chunks, or a longer baseline.",
			e.baselineChunks, e.ChunkRows, enoughChunks)
	}
	for _, m := range e.ErrorModels {
		if m.Explained <= 0 {
			fmt.Fprintf(&text, " The features say nothing about %s: its estimate only repeats the baseline.", m.Metric)
		}
	}
	text.WriteString(" An estimate sees changed inputs, and not a changed relation between inputs and truth.")
	return text.String()
}

// unforeseen counts the chunks of which the realized performance is beyond a threshold to the worse and the estimate is not, and names the metrics.
func (e Estimated) unforeseen() (chunks int, metrics []string) {
	for _, c := range e.Chunks {
		found := false
		for _, of := range c.Estimates {
			limit, better := of.Lower, of.Metric.Better() > 0
			if !better {
				limit = of.Upper
			}
			if of.Realized == nil || limit == nil || of.Verdict == detect.StatusDrift || *of.Realized == *limit || (*of.Realized < *limit) != better {
				continue
			}
			found = true
			if name := string(of.Metric); !slices.Contains(metrics, name) {
				metrics = append(metrics, name)
			}
		}
		if found {
			chunks++
		}
	}
	return chunks, metrics
}
