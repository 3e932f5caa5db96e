package audit_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/aumos-enterprise/platform/governance/internal/audittest"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// shelf is a sink that keeps what it gets.
type shelf struct {
	mu    sync.Mutex
	away  bool
	heads []auditlog.SignedHead
}

func (s *shelf) Name() string { return "shelf" }

func (s *shelf) Publish(_ context.Context, _ tenant.ID, head auditlog.SignedHead) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errors.New("nobody there")
	}
	s.heads = append(s.heads, head)
	return nil
}

// newest returns the last head of a log.
func (s *shelf) newest(origin string) (last auditlog.SignedHead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, head := range s.heads {
		if head.Origin == origin {
			last = head
		}
	}
	return last
}

// TestPublishSignedHeads: the head signed last is published before Run returns; a sink that was away gets it from the next process; and what was
// published verifies by the wall's public key alone.
func TestPublishSignedHeads(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	cfg := wallConfig(t)
	id := newTenant(t)
	origin := auditlog.Origin(testPrefix, id)
	there, away := &shelf{}, &shelf{away: true}
	wall, stop := audittest.Start(t, databases(db), cfg, there, away)
	appendMany(t, wall, id, 3)
	stop()
	head := there.newest(origin)
	if head.Size != 3 || away.newest(origin).Size != 0 {
		t.Errorf("published heads of %d and %d entries", head.Size, away.newest(origin).Size)
	}
	if c, _, err := auditlog.Open(head.Note, keyring(t, wall, id)); err != nil || c != head.Checkpoint {
		t.Errorf("the published note: %+v, %v", c, err)
	}

	away.away = false
	_, stop = audittest.Start(t, databases(db), cfg, away)
	stop()
	if got := away.newest(origin); got.Note != head.Note {
		t.Errorf("the next process published %+v", got)
	}
}

// TestPublishMetrics: an operator sees that a sink lacks heads.
func TestPublishMetrics(t *testing.T) {
	t.Parallel()
	db := postgrestest.Audit(t)
	wall, stop := audittest.Start(t, databases(db), wallConfig(t), &shelf{away: true})
	appendMany(t, wall, newTenant(t), 1)
	stop()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(wall.Collectors()...)
	found, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range found {
		for _, m := range family.GetMetric() {
			values[family.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	if values["aumos_audit_heads_unpublished"] < 1 || values["aumos_audit_head_publication_failures_total"] < 1 ||
		values["aumos_audit_heads_unpublished_seconds"] <= 0 || values["aumos_audit_heads_published_total"] != 0 {
		t.Errorf("metrics: %v", values)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
}
