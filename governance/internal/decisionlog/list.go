package decisionlog

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

const (
	// maxPageBytes bounds the entries of one page, which a response is about as large as.
	maxPageBytes = 4 << 20
	// chunk is how many entries are looked at together when many may not match.
	chunk = 1_000
	// pointResource is the resource type of entries of decisions that a decision point was asked for.
	pointResource = "decision_point"
)

// Filter says which decisions to list; zero fields match everything.
type Filter struct {
	Policy        uuid.UUID // that contributed
	Version       uuid.UUID // that contributed
	DecisionPoint string
	Outcome       rego.Outcome
	Resource      decision.Resource // either field may be set alone
	Subject       string
	CorrelationID string
	From, Until   time.Time // the decisions' own time
	ViolationCode string
}

var outcomes = map[rego.Outcome]auditlog.Outcome{ //nolint:gochecknoglobals // a constant table
	rego.Allow: auditlog.Success, rego.Deny: auditlog.Denied, rego.Error: auditlog.Failure,
}

// match judges a decision by itself, whatever the wall's indexes said of it.
func (f Filter) match(d decision.Decision) bool {
	return (f.DecisionPoint == "" || d.DecisionPoint == f.DecisionPoint) &&
		(f.Outcome == 0 || d.Outcome == f.Outcome) &&
		(f.Resource.Type == "" || d.Resource.Type == f.Resource.Type) &&
		(f.Resource.ID == "" || d.Resource.ID == f.Resource.ID) &&
		(f.Subject == "" || d.Subject == f.Subject) &&
		(f.CorrelationID == "" || d.CorrelationID == f.CorrelationID) &&
		(f.From.IsZero() || !d.Time.Before(f.From)) &&
		(f.Until.IsZero() || d.Time.Before(f.Until)) &&
		(f.Policy == uuid.Nil || slices.ContainsFunc(d.Results, func(r decision.Result) bool { return r.PolicyID == f.Policy })) &&
		(f.Version == uuid.Nil || slices.ContainsFunc(d.Results, func(r decision.Result) bool { return r.VersionID == f.Version })) &&
		(f.ViolationCode == "" || slices.ContainsFunc(d.Results, func(r decision.Result) bool {
			return slices.ContainsFunc(r.Violations, func(v rego.Violation) bool { return v.Code == f.ViolationCode })
		}))
}

// Page is a page of decisions, newest first.
type Page struct {
	Decisions []decision.Decision
	// More reports whether to go on before Next. There may be more although the page is not full, and none although More says so: a page looks at a
	// bounded part of the log.
	More bool
	Next int64
}

// List returns the newest decisions of the tenant in ctx that stand before an index (math.MaxInt64: from the newest), at most limit.
func (l *Log) List(ctx context.Context, f Filter, before int64, limit int) (Page, error) {
	stretches, err := l.stretches(ctx, f, before)
	if err != nil {
		return Page{}, err
	}
	p := paging{filter: f, limit: limit, left: l.cfg.Scan}
	for _, stretch := range stretches {
		if err := p.read(ctx, l.cfg.Wall, stretch); err != nil || p.More {
			return p.Page, err
		}
	}
	return p.Page, nil
}

// paging is a page that is being filled.
type paging struct {
	Page

	filter Filter
	limit  int
	left   int // how many entries may still be looked at
	size   int // bytes of the entries shown
}

// read goes through a stretch of the log until it ends or the page does.
func (p *paging) read(ctx context.Context, wall *audit.Wall, stretch audit.Filter) error {
	n, end := p.limit+1-len(p.Decisions), stretch.EndIndex
	if p.filter.filtersInside() {
		n = chunk
	}
	for after := int64(-1); ; n = chunk {
		if p.left == 0 {
			p.More, p.Next = true, end
			return nil
		}
		s, err := wall.Scan(ctx, stretch, after, min(n, p.left))
		if err != nil {
			return err
		}
		for i := range s.Entries {
			e := &s.Entries[i]
			if full, err := p.look(e); full || err != nil {
				return err
			}
			after, end, p.left = e.LeafIndex, e.LeafIndex, p.left-1
		}
		if !s.More {
			return nil
		}
	}
}

// look adds a decision to the page, unless the page is full.
func (p *paging) look(e *audit.Scanned) (full bool, err error) {
	d, err := decisionOf(e)
	if errors.Is(err, decision.ErrNotDecision) || err == nil && !p.filter.match(d) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if p.size += e.LeafSize; len(p.Decisions) == p.limit || p.size > maxPageBytes && len(p.Decisions) > 0 {
		p.More, p.Next = true, e.LeafIndex+1
		return true, nil
	}
	p.Decisions = append(p.Decisions, d)
	return false, nil
}
