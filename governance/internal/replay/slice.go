package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/policy"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	// openSize is the number of inputs that are held at a time, 256 KiB each at most.
	openSize = 16
	// writeAfter is how long a worker compares until it writes what it found.
	writeAfter = time.Second
	// maxTries is how often a decision is put to a candidate that comes to no end: the machine may have stalled.
	maxTries = 3
	// maxOverruns is at how many decisions a candidate may come to no end before the replay is given up. It would not be asked any more if it were active.
	maxOverruns = 20
	// maxRest bounds the pause after work.
	maxRest = time.Second
)

// prepared is a candidate, compiled.
type prepared struct {
	replay   uuid.UUID
	compiled *rego.Compiled
}

// slice compares decisions until the replay is done or others have waited long enough. It fails with a failure when the replay cannot be done.
func (w *Worker) slice(ctx context.Context, j *job) error {
	compiled, err := w.prepare(ctx, *j)
	if err != nil {
		return err
	}
	until := time.Now().Add(w.config.Slice)
	for j.NextIndex < j.EndIndex { // at least a page
		started := time.Now()
		if err := w.page(ctx, j, compiled); err != nil {
			return err
		}
		if err := rest(ctx, min(time.Since(started), maxRest)); err != nil {
			return err
		}
		if time.Now().After(until) {
			break
		}
	}
	return nil
}

// rest leaves the processor to others for as long as it was used.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// prepare compiles the candidate.
func (w *Worker) prepare(ctx context.Context, j job) (*rego.Compiled, error) {
	if w.ready.replay == j.ID {
		return w.ready.compiled, nil
	}
	var c Candidate
	var err error
	if j.VersionID == uuid.Nil {
		c, err = j.modules()
	} else {
		err = postgres.ReadTenantTx(ctx, w.config.Pool, func(ctx context.Context, tx pgx.Tx) error {
			v, err := policy.GetVersion(ctx, tx, j.VersionID)
			c = Candidate{ContentSHA256: v.ContentSHA256, Modules: v.Modules, Data: v.Data}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	id, _ := tenant.FromContext(ctx)
	compiled, err := c.compile(ctx, w.config.Engine, id)
	if reason := errs.ReasonOf(err); reason == errs.ReasonRegoInvalid || reason == errs.ReasonInvalidField {
		return nil, failure("the candidate does not compile with this engine")
	}
	if err != nil {
		return nil, err
	}
	w.ready = prepared{replay: j.ID, compiled: compiled}
	return compiled, nil
}

func (c Candidate) compile(ctx context.Context, engine *rego.Engine, id tenant.ID) (*rego.Compiled, error) {
	source, err := rego.StoredSource(c.Modules, c.Data)
	if err != nil {
		return nil, err
	}
	return engine.CompileStored(ctx, id, source)
}

// page compares the next decisions of the log and writes what it found.
func (w *Worker) page(ctx context.Context, j *job, compiled *rego.Compiled) error {
	filter := decision.EntryFilter(j.DecisionPoint)
	filter.MinIndex, filter.EndIndex = j.NextIndex, j.EndIndex
	found, more, err := w.config.Wall.List(ctx, filter, -1, w.config.Page)
	if err != nil {
		return err
	}
	b, written := newBatch(j.Replay), time.Now()
	for len(found) > 0 {
		chunk := found[:min(openSize, len(found))]
		found = found[len(chunk):]
		if err := w.chunk(ctx, b, j, compiled, chunk); err != nil {
			return err
		}
		b.replay.NextIndex = chunk[len(chunk)-1].LeafIndex + 1
		if time.Since(written) > writeAfter {
			if err := w.write(ctx, b, j); err != nil {
				return err
			}
			b, written = newBatch(j.Replay), time.Now()
		}
	}
	if !more {
		b.replay.NextIndex = j.EndIndex
	}
	return w.write(ctx, b, j)
}

func (w *Worker) write(ctx context.Context, b *batch, j *job) error {
	err := w.tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return b.write(ctx, tx, w.id, w.config.Lease) })
	if err == nil {
		j.Replay, j.Takes = b.replay, 0
		w.config.Progressed(j.ID)
	}
	return err
}

// chunk compares some decisions.
func (w *Worker) chunk(ctx context.Context, b *batch, j *job, compiled *rego.Compiled, entries []audit.LogEntry) error {
	var decisions []decision.Decision
	var refs []vault.Ref
	for _, e := range entries {
		d, err := decisionOf(e)
		if err != nil {
			return err
		}
		if _, asked := d.Of(j.PolicyID); !asked || d.Time.Before(j.From) || !d.Time.Before(j.Before) {
			continue
		}
		decisions = append(decisions, d)
		refs = append(refs, vault.Ref{Decision: d.ID, SHA256: d.InputSHA256})
	}
	if len(decisions) == 0 {
		return nil
	}
	inputs, err := w.config.Inputs.Open(ctx, refs)
	if e, ok := errors.AsType[*errs.Error](err); ok && e.Reason == errs.ReasonInputsKeyMissing {
		return failure(e.Message)
	}
	if err != nil {
		return fmt.Errorf("open inputs: %w", err)
	}
	for _, d := range decisions {
		in, ok := inputs[d.ID]
		if !ok {
			b.replay.InputsMissing++
			continue
		}
		if d.MaskedPaths > 0 {
			b.replay.InputsMasked++
		}
		r, err := w.ask(ctx, b, compiled, in, d)
		if err != nil {
			return err
		}
		if err := b.add(d, r); err != nil {
			return err
		}
		w.metrics.decisions.Inc()
	}
	return nil
}

// decisionOf reads an entry that says it is a decision. One that cannot be read, or whose row was altered, is damage: what follows from it is not known.
func decisionOf(e audit.LogEntry) (decision.Decision, error) {
	entry, err := auditlog.Unmarshal(e.Leaf)
	if err == nil && len(e.Mismatched) > 0 {
		err = errors.New("its row was altered")
	}
	var d decision.Decision
	if err == nil {
		d, err = decision.FromEntry(entry)
	}
	if err != nil {
		return d, failure(fmt.Sprintf("the entry at index %d of the log cannot be read as a decision: verify the log", e.LeafIndex))
	}
	return d, nil
}

// ask puts a decision's question to the candidate, at the decision's time and with its seed.
func (w *Worker) ask(ctx context.Context, b *batch, compiled *rego.Compiled, in rego.Input, d decision.Decision) (r rego.Result, err error) {
	id, _ := tenant.FromContext(ctx)
	for range maxTries {
		answer, err := w.config.Engine.Try(ctx, rego.Trial{Tenant: id, Policy: compiled, Input: in, Now: d.Time, Seed: decision.SeedOf(d.ID)})
		if r = answer.Result; err != nil || r.Reason != rego.Deadline {
			return r, err
		}
	}
	if b.replay.Overruns++; b.replay.Overruns >= maxOverruns {
		return r, failure(fmt.Sprintf("the candidate did not come to an end in time at %d decisions: were it active, it would be quarantined", maxOverruns))
	}
	return r, nil
}
