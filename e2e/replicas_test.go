package e2e_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/aumos-enterprise/platform/e2e/internal/stack"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/grpcclient"
)

const (
	// loadRequests is how many requests the load makes; every eighth records a batch.
	loadRequests = 6000
	loadBatch    = 8
	loadCallers  = 48
)

// TestReplicasUnderFire lets three replicas append to one log, kills one of them, and crashes PostgreSQL, all under load. What was answered is on the wall
// where the answer said, nothing is there twice, and the log has no gap.
func TestReplicasUnderFire(t *testing.T) {
	t.Parallel()
	p := deployDurable(t)
	u := p.newTenant(t)
	second, third := p.replica(t, "heads-2"), p.replica(t, "heads-3")
	recorders := []governancev1.AuditServiceClient{
		u.recorder(t, p.governanceAt.GRPC), u.recorder(t, second.at), u.recorder(t, third.at),
	}
	answers := make(chan map[string]*governancev1.LogPosition, loadRequests)
	requests := make(chan int)
	var callers sync.WaitGroup
	for range loadCallers {
		callers.Go(func() {
			for n := range requests {
				answers <- recordUntilAnswered(t, recorders, n)
			}
		})
	}
	callers.Go(func() {
		defer close(requests)
		for n := range loadRequests {
			select {
			case requests <- n:
			case <-t.Context().Done():
				return
			}
		}
	})
	answered := make(map[string]*governancev1.LogPosition)
	for n := range loadRequests {
		switch n {
		case loadRequests / 4:
			second.process.kill(t)
		case loadRequests / 2:
			if err := p.CrashPostgres(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		maps.Copy(answered, <-answers)
	}
	callers.Wait()

	u.checkRecorded(t, answered)
	u.ctl(t, "audit", "keys", "--out", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "verify", "--key", u.file("wall.vkey")).want(t, 0)
	u.ctl(t, "audit", "export", "--out", u.file("wall.jsonl")).want(t, 0)
	for _, process := range []*process{p.governance, third.process} {
		if code := process.stop(t); code != 0 {
			t.Errorf("%s ended with %d", process.cmd.Path, code)
		}
	}
	if err := p.Postgres.Stop(); err != nil {
		t.Error(err)
	}
	u.ctl(t, "audit", "verify", u.file("wall.jsonl"), "--key", u.file("wall.vkey")).want(t, 0) // needs nobody
}

// deployDurable starts a platform without drift whose database survives a crash.
func deployDurable(t *testing.T) *platform {
	t.Helper()
	dir := openDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Config{Dir: dir, IssuerListen: "127.0.0.1:0", DriftSecret: "drift-secret", InputsKey: inputsKey})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop the stack: %v", err)
		}
	})
	p := &platform{
		Stack: s, governanceAt: stack.Addresses{GRPC: freeAddress(t), Admin: freeAddress(t)},
		// Replicas sign with the same key: one that each made for itself would be another for each.
		settings: []string{"AUMOS_GOVERNANCE_AUDIT__SIGNING_KEYS=" + base64.StdEncoding.EncodeToString(make([]byte, 32))},
	}
	p.migrateGovernance(t)
	p.startGovernance(t)
	return p
}

// replica is a further governance process on the same databases.
type replica struct {
	process *process
	at      string
	bundles string // where it serves bundles
}

// replica starts one with a directory of its own for its signed heads.
func (p *platform) replica(t *testing.T, heads string) replica {
	t.Helper()
	at := stack.Addresses{GRPC: freeAddress(t), Admin: freeAddress(t)}
	environ := append(p.GovernanceEnviron(at), "AUMOS_GOVERNANCE_AUDIT__HEADS_DIR="+filepath.Join(t.TempDir(), heads))
	environ = append(environ, p.settings...)
	bundles := freeAddress(t)
	environ = append(environ, "AUMOS_GOVERNANCE_BUNDLES__LISTEN="+bundles, "AUMOS_GOVERNANCE_BUNDLES__SIGNING_KEY="+bundleKey(t))
	r := replica{process: start(t, environ, "governance"), at: at.GRPC, bundles: bundles}
	awaitServing(t, at.GRPC)
	return r
}

// bundleKey returns a key that signs bundles.
func bundleKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// recorder connects as a service that records entries for the user's tenant.
func (u *user) recorder(t *testing.T, target string) governancev1.AuditServiceClient {
	t.Helper()
	token, err := u.p.Issuer.IssueToken("load", "", auth.RoleService)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpcclient.Dial(grpcclient.Config{
		Target: target, Plaintext: true, TenantID: u.tenant, TokenSource: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return governancev1.NewAuditServiceClient(conn)
}

// recordUntilAnswered records entries, asking one replica after the other until one answers, as a client does that must not lose any. The ids stay the
// same: what landed without an answer is answered with its first position.
func recordUntilAnswered(t *testing.T, recorders []governancev1.AuditServiceClient, n int) map[string]*governancev1.LogPosition {
	t.Helper()
	entries := make([]*governancev1.RecordEntryRequest, 1)
	if n%8 == 0 {
		entries = make([]*governancev1.RecordEntryRequest, loadBatch)
	}
	for i := range entries {
		entries[i] = &governancev1.RecordEntryRequest{
			EntryId: uuid.NewString(), EventType: "load.written", Action: "load.write", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
			Actor:    &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: "load"},
			Resource: &governancev1.AuditResource{Type: "load", Id: strconv.Itoa(n)},
		}
	}
	for try := n; t.Context().Err() == nil; try++ {
		positions, err := recordOnce(t.Context(), recorders[try%len(recorders)], entries)
		if err != nil {
			continue
		}
		answer := make(map[string]*governancev1.LogPosition, len(entries))
		for i, e := range entries {
			answer[e.GetEntryId()] = positions[i]
		}
		return answer
	}
	return nil
}

func recordOnce(
	ctx context.Context, recorder governancev1.AuditServiceClient, entries []*governancev1.RecordEntryRequest,
) ([]*governancev1.LogPosition, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if len(entries) == 1 {
		res, err := recorder.RecordEntry(ctx, entries[0])
		return []*governancev1.LogPosition{res.GetPosition()}, err
	}
	res, err := recorder.BatchRecordEntries(ctx, &governancev1.BatchRecordEntriesRequest{Entries: entries})
	return res.GetPositions(), err
}

// checkRecorded reads the whole log: every entry is where its answer said, and the entries of the load are those that were answered, each once.
func (u *user) checkRecorded(t *testing.T, answered map[string]*governancev1.LogPosition) {
	t.Helper()
	client := governancev1.NewAuditServiceClient(u.dial(t, u.p.governanceAt.GRPC))
	request := &governancev1.ListEntriesRequest{PageSize: 500}
	found, next := make(map[string]bool, len(answered)), int64(0)
	for {
		page, err := client.ListEntries(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.GetEntries() {
			if e.GetEntry().GetLeafIndex() != next {
				t.Fatalf("entry %d follows entry %d", e.GetEntry().GetLeafIndex(), next-1)
			}
			next++
			if e.GetEntry().GetEventType() != "load.written" {
				continue
			}
			id := e.GetEntry().GetEntryId()
			switch position := answered[id]; {
			case found[id]:
				t.Errorf("entry %s is on the wall twice", id)
			case position == nil:
				t.Errorf("entry %s is on the wall, and nobody was told", id)
			case position.GetLeafIndex() != e.GetEntry().GetLeafIndex():
				t.Errorf("entry %s stands at %d, the answer said %d", id, e.GetEntry().GetLeafIndex(), position.GetLeafIndex())
			}
			found[id] = true
		}
		if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
			break
		}
	}
	if len(found) != len(answered) || len(answered) != loadRequests+loadRequests/8*(loadBatch-1) {
		t.Errorf("%d entries were answered, %d are on the wall", len(answered), len(found))
	}
}
