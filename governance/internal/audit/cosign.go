package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aumos-enterprise/platform/governance/internal/publish"
	"github.com/aumos-enterprise/platform/governance/internal/witness"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// maxCosigned is how many heads with their cosigners are remembered; the database has all of them.
const maxCosigned = 64

// witnesses has the heads of the platform's log cosigned: they commit to every other log's, and hold no tenant's data.
type witnesses struct {
	policy    auditlog.Policy
	timeout   time.Duration
	cosigners []*cosigner
	metrics   *metrics
	log       *slog.Logger

	mu sync.Mutex
	// cosigned are the newest heads that a witness cosigned for this process, the largest last.
	cosigned []cosignedHead
	// changed is closed, and replaced, when a witness answered or failed to.
	changed chan struct{}
}

// cosignedHead is a head with the policy's names of those who cosigned it.
type cosignedHead struct {
	head auditlog.SignedHead
	by   []string
}

// newWitnesses reads the policy's file and prepares a sink for each of its witnesses that has a URL.
func newWitnesses(w *Wall, writer *pgxpool.Pool, log *slog.Logger) (*witnesses, error) {
	text, err := os.ReadFile(w.cfg.WitnessPolicyFile)
	if err != nil {
		return nil, fmt.Errorf("witness policy: %w", err)
	}
	policy, err := auditlog.ParsePolicy(text)
	if err != nil {
		return nil, fmt.Errorf("witness policy %s: %w", w.cfg.WitnessPolicyFile, err)
	}
	if err := w.checkPolicy(policy); err != nil {
		return nil, fmt.Errorf("witness policy %s: %w", w.cfg.WitnessPolicyFile, err)
	}
	all := &witnesses{policy: policy, timeout: w.cfg.WitnessTimeout, metrics: w.metrics, log: log, changed: make(chan struct{})}
	for _, p := range policy.Witnesses {
		if p.URL == "" {
			continue
		}
		client, err := witness.NewClient(p, w.cfg.WitnessTimeout)
		if err != nil {
			return nil, fmt.Errorf("witness policy %s: %w", w.cfg.WitnessPolicyFile, err)
		}
		all.cosigners = append(all.cosigners, &cosigner{
			all: all, client: client, witness: p, pool: writer, newest: w.signer.demand, prove: w.ConsistencyProof,
			log: log.With(slog.String("witness", client.Name())),
		})
	}
	return all, nil
}

// checkPolicy refuses a policy that no checkpoint of this platform can satisfy.
func (w *Wall) checkPolicy(p auditlog.Policy) error {
	var asked []string
	for _, witness := range p.Witnesses {
		if witness.URL != "" {
			asked = append(asked, witness.Name)
		}
	}
	if !p.Met(asked...) {
		return fmt.Errorf("the witnesses that have a URL are too few for the quorum %s", p.Quorum())
	}
	if len(p.Logs) == 0 {
		return nil
	}
	ours, err := w.signer.vkeys(auditlog.PlatformTenant)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(p.Logs, func(l auditlog.PolicyLog) bool { return slices.Contains(ours, l.VKey) }) {
		return fmt.Errorf("it names logs, but none of the keys that sign %s", w.origin(auditlog.PlatformTenant))
	}
	return nil
}

// sinks returns the witnesses as sinks, one each: a silent one holds up no other.
func (a *witnesses) sinks() []publish.Sink {
	sinks := make([]publish.Sink, len(a.cosigners))
	for i, c := range a.cosigners {
		sinks[i] = c
	}
	return sinks
}

// close lets go of idle connections.
func (a *witnesses) close() {
	if a == nil {
		return
	}
	for _, c := range a.cosigners {
		c.client.Close()
	}
}

// answered notes what came of a question to a witness and wakes those who wait for it.
func (a *witnesses) answered(c *cosigner, head auditlog.SignedHead, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.failing, c.contradicting = err != nil, isContradiction(err)
	if err == nil {
		c.last = head
		a.remember(head, c.witness.Name)
	}
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *witnesses) remember(head auditlog.SignedHead, name string) {
	i, found := slices.BinarySearchFunc(a.cosigned, head.Size, func(c cosignedHead, size int64) int { return cmp.Compare(c.head.Size, size) })
	if !found {
		a.cosigned = slices.Insert(a.cosigned, i, cosignedHead{head: head})
	}
	if !slices.Contains(a.cosigned[i].by, name) {
		a.cosigned[i].by = append(a.cosigned[i].by, name)
	}
	a.cosigned = a.cosigned[max(0, len(a.cosigned)-maxCosigned):]
}

// await returns a head that contains the given one and that a quorum cosigned, once there is one. It gives up, and returns the given head, after the
// timeout, or as soon as too many witnesses fail.
func (a *witnesses) await(ctx context.Context, head auditlog.SignedHead) auditlog.SignedHead {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for {
		a.mu.Lock()
		found, ok := a.newestWitnessed(head)
		hopeless, changed := !a.reachable(head), a.changed
		a.mu.Unlock()
		if ok || hopeless {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return head
		}
	}
}

// newestWitnessed returns the newest head from the given one on that a quorum cosigned, else the given one.
func (a *witnesses) newestWitnessed(head auditlog.SignedHead) (auditlog.SignedHead, bool) {
	if a.policy.Met() { // no witness is needed
		return head, true
	}
	for _, c := range slices.Backward(a.cosigned) {
		switch {
		case c.head.Size < head.Size || !a.policy.Met(c.by...):
		case c.head.Size == head.Size:
			return head, true // it may have been signed again since, with other keys
		default:
			return c.head, true
		}
	}
	return head, false
}

// reachable reports whether the witnesses that have the head, or of which nothing bad is known, are enough.
func (a *witnesses) reachable(head auditlog.SignedHead) bool {
	var names []string
	for _, c := range a.cosigners {
		if c.last.Size >= head.Size || !c.failing {
			names = append(names, c.witness.Name)
		}
	}
	return a.policy.Met(names...)
}

func witnessMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("aumos", "audit", name), help, labels, nil)
}

// Describe sends nothing: the witnesses are known to Collect alone.
func (a *witnesses) Describe(chan<- *prometheus.Desc) {}

// Collect reports on each witness. What a witness lacks is among the sinks' metrics.
func (a *witnesses) Collect(to chan<- prometheus.Metric) {
	size := witnessMetric("witness_tree_size", "Size of the platform log's head that the witness cosigned last.", "witness")
	contradicting := witnessMetric("witness_contradicts", "1 while the witness has seen a head that the platform's log does not contain: look into it.", "witness")
	quorum := witnessMetric("witnessed_tree_size", "Size of the platform log's newest head that a quorum of witnesses cosigned for this replica.")
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.cosigners {
		flag := 0.0
		if c.contradicting {
			flag = 1
		}
		to <- prometheus.MustNewConstMetric(size, prometheus.GaugeValue, float64(c.last.Size), c.label())
		to <- prometheus.MustNewConstMetric(contradicting, prometheus.GaugeValue, flag, c.label())
	}
	newest, _ := a.newestWitnessed(auditlog.SignedHead{})
	to <- prometheus.MustNewConstMetric(quorum, prometheus.GaugeValue, float64(newest.Size))
}

// witnessed returns a head of the platform's log that contains the given one, with the cosignatures that there are: with a quorum of them if one comes
// in time, else with those that came. Nobody is refused a head because a witness is silent.
func (w *Wall) witnessed(ctx context.Context, head auditlog.SignedHead) (auditlog.SignedHead, error) {
	ctx = tenant.NewContext(ctx, auditlog.PlatformTenant)
	cosigned, err := w.withCosignatures(ctx, head)
	if err != nil || w.witnesses == nil || head.Size == 0 {
		return cosigned, err
	}
	if _, ok, err := w.witnesses.policy.Satisfied(cosigned.Note); ok && err == nil { // before a restart, or for another replica
		return cosigned, nil
	}
	return w.withCosignatures(ctx, w.witnesses.await(ctx, head))
}
