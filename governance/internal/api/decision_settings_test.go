package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/internal/vault"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/postgres"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// keeping is a platform that can keep inputs, with a lease that tests can wait for.
func keeping(t testing.TB) *platform {
	t.Helper()
	p := newPlatform(t)
	sum := sha256.Sum256([]byte(t.Name()))
	p.wrapping, p.lease = base64.StdEncoding.EncodeToString(sum[:]), 300*time.Millisecond
	return p
}

func (c client) update(s *governancev1.DecisionSettings) *governancev1.DecisionSettings {
	c.t.Helper()
	res, err := c.UpdateDecisionSettings(c.t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: s})
	if err != nil {
		c.t.Fatalf("UpdateDecisionSettings: %v", err)
	}
	return res.GetSettings()
}

func (c client) settings() *governancev1.DecisionSettings {
	c.t.Helper()
	res, err := c.GetDecisionSettings(c.t.Context(), &governancev1.GetDecisionSettingsRequest{})
	if err != nil {
		c.t.Fatalf("GetDecisionSettings: %v", err)
	}
	return res.GetSettings()
}

func maskPaths(paths ...string) []*governancev1.InputMask {
	var masks []*governancev1.InputMask
	for _, path := range paths {
		masks = append(masks, &governancev1.InputMask{Path: path})
	}
	return masks
}

func (r *replica) newest(id tenant.ID) auditlog.Entry {
	r.t.Helper()
	entries := r.entries(id)
	return entries[len(entries)-1]
}

func TestDecisionSettings(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	if diff := cmp.Diff(&governancev1.DecisionSettings{Etag: "0"}, c.settings(), protocmp.Transform()); diff != "" {
		t.Errorf("settings that were never set (-want +got):\n%s", diff)
	}
	want := &governancev1.DecisionSettings{
		KeepInputs: true, InputRetention: durationpb.New(24 * time.Hour),
		Masks: []*governancev1.InputMask{{Path: "/applicant/name"}, {Path: "/people/*/email", DecisionPoint: "model.promote"}},
	}
	got := c.update(want)
	want.Etag = "1"
	if diff := cmp.Diff(want, got, protocmp.Transform(), protocmp.IgnoreFields(got, "update_time")); diff != "" || got.GetUpdateTime() == nil {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(got, c.settings(), protocmp.Transform()); diff != "" {
		t.Errorf("settings as they are read (-updated +read):\n%s", diff)
	}
	e := r.newest(tenantA)
	state := map[string]any{
		"keep_inputs": true, "input_retention_seconds": 86400.0, "etag": "1", "update_time": got.GetUpdateTime().AsTime().Format(time.RFC3339Nano),
		"masks": []any{map[string]any{"path": "/applicant/name"}, map[string]any{"path": "/people/*/email", "decision_point": "model.promote"}},
	}
	if diff := cmp.Diff(state, e.Resource.State); diff != "" || e.EventType != "decision_settings.changed" || e.Action != "decision.configure" ||
		e.Resource.Type != "decision_settings" || e.Resource.ID != tenantA.String() {
		t.Errorf("entry %+v (-want +got):\n%s", e, diff)
	}

	n := len(r.entries(tenantA))
	if again := c.update(want); again.GetEtag() != "1" || len(r.entries(tenantA)) != n {
		t.Errorf("the same settings again: etag %s, %d entries, want 1 and %d", again.GetEtag(), len(r.entries(tenantA)), n)
	}
	want.Etag = "0"
	_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: want})
	wantError(t, err, codes.Aborted, governancev1.ErrorReason_ERROR_REASON_STALE_ETAG)
	if got := c.update(&governancev1.DecisionSettings{Etag: "1"}); got.GetEtag() != "2" || got.GetKeepInputs() || len(got.GetMasks()) != 0 || got.GetInputRetention() != nil {
		t.Errorf("settings after they were cleared: %v", got)
	}

	req := &governancev1.UpdateDecisionSettingsRequest{Settings: &governancev1.DecisionSettings{Masks: maskPaths("/x")}, RequestId: uuid.NewString()}
	first, err := c.UpdateDecisionSettings(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.UpdateDecisionSettings(t.Context(), req)
	if diff := cmp.Diff(first, second, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("repeated: %v (-first +second):\n%s", err, diff)
	}
	if other := r.admin(tenantB).settings(); other.GetEtag() != "0" {
		t.Errorf("another tenant's settings: %v", other)
	}
	viewer := r.as(tenantA, auth.RoleViewer)
	if got := viewer.settings(); got.GetEtag() != "3" {
		t.Errorf("a viewer sees %v", got)
	}
	_, err = viewer.UpdateDecisionSettings(t.Context(), req)
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
	_, err = viewer.EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{Reason: "x"})
	wantError(t, err, codes.PermissionDenied, governancev1.ErrorReason_ERROR_REASON_PERMISSION_MISSING)
}

func TestDecisionSettingsRefused(t *testing.T) {
	t.Parallel()
	c := keeping(t).replica(rego.Config{}).admin(tenantA)
	many := make([]*governancev1.InputMask, 256)
	for i := range many {
		many[i] = &governancev1.InputMask{Path: fmt.Sprintf("/%d/%s", i, strings.Repeat("x", 200))}
	}
	for field, s := range map[string]*governancev1.DecisionSettings{
		"settings.input_retention":         {KeepInputs: true},
		"settings.input_retention ":        {KeepInputs: true, InputRetention: durationpb.New(time.Hour - time.Second)},
		"settings.input_retention  ":       {InputRetention: durationpb.New(401 * 24 * time.Hour)},
		"settings.input_retention   ":      {InputRetention: durationpb.New(time.Hour + time.Millisecond)},
		"settings.masks[1].path":           {Masks: maskPaths("/ok", "/a~2b")},
		"settings.masks[0].path":           {Masks: maskPaths("name")},
		"settings.masks[2]":                {Masks: maskPaths("/a", "/b", "/a")},
		"settings.masks[0].decision_point": {Masks: []*governancev1.InputMask{{Path: "/a", DecisionPoint: "Model"}}},
		"settings.masks":                   {Masks: many},
	} {
		_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{Settings: s})
		if field = strings.TrimSpace(field); fieldsOf(err)[field] == "" || reasonOf(err) != "INVALID_FIELD" {
			t.Errorf("want %s: %v names %v", field, err, fieldsOf(err))
		}
	}
	// The largest masks that are allowed fit into their entry.
	for i := range many {
		many[i].Path, many[i].DecisionPoint = fmt.Sprintf("/%03d%s", i, strings.Repeat("\"", 110)), "a.point"
	}
	if got := c.update(&governancev1.DecisionSettings{Masks: many}); len(got.GetMasks()) != len(many) {
		t.Errorf("%d masks", len(got.GetMasks()))
	}
	_, err := keeping(t).replica(rego.Config{}).admin(tenantA).UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
}

// An installation without a key masks, but keeps nothing.
func TestKeepingInputsNeedsAKey(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	p.wrapping = ""
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	_, err := c.UpdateDecisionSettings(t.Context(), &governancev1.UpdateDecisionSettingsRequest{
		Settings: &governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)},
	})
	wantError(t, err, codes.FailedPrecondition, governancev1.ErrorReason_ERROR_REASON_INPUTS_KEY_MISSING)
	c.update(&governancev1.DecisionSettings{Masks: maskPaths("/n")})
	policy := c.active("p", "allow := true")
	if d := c.decide(askPolicy(policy.GetId(), map[string]any{"n": 1})); d.GetMaskedPaths() != 1 || d.GetInputKept() {
		t.Errorf("decision %v", d)
	}
}

func TestMaskedInputsNeverReachTheLog(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	c := r.admin(tenantA)
	c.update(&governancev1.DecisionSettings{
		KeepInputs: true, InputRetention: durationpb.New(time.Hour),
		Masks: []*governancev1.InputMask{{Path: "/applicant/name"}, {Path: "/people/*/email"}, {Path: "/secret", DecisionPoint: "a.point"}},
	})
	p := c.active("p", `allow if input.applicant.name == "Hidden"`+"\n"+`obligations contains "log" if input.secret`, "a.point")
	input := map[string]any{
		"applicant": map[string]any{"name": "Hidden", "age": 41.0}, "people": []any{map[string]any{"email": "Hidden@x"}, map[string]any{"id": 7.0}}, "secret": "visible",
	}
	const masked = `{"applicant":{"age":41,"name":null},"people":[{"email":null},{"id":7}],"secret":"visible"}`
	req := askPolicy(p.GetId(), input)
	req.RequestId = uuid.NewString()
	got := c.decide(req)
	if sum := sha256.Sum256([]byte(masked)); got.GetOutcome() != allow || got.GetMaskedPaths() != 2 || !got.GetInputKept() || !bytes.Equal(got.GetInputSha256(), sum[:]) {
		t.Errorf("decision %v, want ALLOW on the input that is not masked", got)
	}
	e := r.newest(tenantA)
	leaf, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(leaf, []byte("Hidden")) {
		t.Errorf("the log has %q", leaf)
	}
	hmacAt := slices.IndexFunc(e.Digests, func(d auditlog.Digest) bool { return d.Name == "input_hmac" })
	if hmacAt < 0 || e.Details["masked_paths"] != 2.0 || e.Details["input_kept"] != true {
		t.Fatalf("entry %+v", e)
	}
	full, err := rego.NewInput(input)
	if err != nil {
		t.Fatal(err)
	}
	sum := full.SHA256()
	keyed := e.Digests[hmacAt].SHA256
	if hmac.Equal(keyed[:], sum[:]) {
		t.Error("the digest of the unmasked input can be guessed")
	}
	kept := r.open(tenantA, got)
	if string(kept.JSON()) != masked {
		t.Errorf("kept is %s, want %s", kept.JSON(), masked)
	}

	// A retry gets the first decision, and the same id with another masked value none.
	if again := c.decide(req); again.GetId() != got.GetId() || !again.GetInputKept() || again.GetMaskedPaths() != 2 {
		t.Errorf("retry: %v", again)
	}
	other := askPolicy(p.GetId(), map[string]any{
		"applicant": map[string]any{"name": "Another", "age": 41.0}, "people": []any{map[string]any{"email": "Hidden@x"}, map[string]any{"id": 7.0}}, "secret": "visible",
	})
	other.RequestId = req.GetRequestId()
	_, err = c.Evaluate(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)
	c.update(&governancev1.DecisionSettings{})
	if again := c.decide(req); again.GetId() != got.GetId() {
		t.Errorf("retry without masks: %v", again)
	}
	_, err = c.Evaluate(t.Context(), other)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)

	// A decision point has masks of its own.
	c.update(&governancev1.DecisionSettings{Masks: []*governancev1.InputMask{{Path: "/secret", DecisionPoint: "a.point"}}})
	if d := c.decide(askPoint("a.point", input)); d.GetMaskedPaths() != 1 || d.GetInputKept() {
		t.Errorf("asked of the decision point: %v", d)
	}
	if d := c.decide(askPolicy(p.GetId(), input)); d.GetMaskedPaths() != 0 || !bytes.Equal(d.GetInputSha256(), sum[:]) {
		t.Errorf("asked of the policy: %v", d)
	}
}

// open returns the kept input of a decision; the zero value when there is none.
func (r *replica) open(id tenant.ID, d *governancev1.Decision) rego.Input {
	r.t.Helper()
	ref := vault.Ref{Decision: uuid.MustParse(d.GetId()), SHA256: [32]byte(d.GetInputSha256())}
	inputs, err := r.vault.Open(tenant.NewContext(r.t.Context(), id), []vault.Ref{ref})
	if err != nil {
		r.t.Fatalf("Open: %v", err)
	}
	return inputs[ref.Decision]
}

func TestEraseDecisionInputs(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	one, two := p.replica(rego.Config{}), p.replica(rego.Config{})
	a, b := one.admin(tenantA), two.admin(tenantB)
	settings := &governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour), Masks: maskPaths("/secret")}
	a.update(settings)
	b.update(settings)
	policyA, policyB := a.active("p", "allow := true"), b.active("p", "allow := true")
	elsewhere := two.admin(tenantA) // a replica that has the old key in memory
	ask := askPolicy(policyA.GetId(), map[string]any{"secret": "x"})
	ask.RequestId = uuid.NewString()
	gone := []*governancev1.Decision{a.decide(ask), elsewhere.decide(askPolicy(policyA.GetId(), nil))}
	stays := b.decide(askPolicy(policyB.GetId(), nil))

	req := &governancev1.EraseDecisionInputsRequest{Reason: "a request of the data subject", RequestId: uuid.NewString()}
	for range 2 { // the second one is a retry
		res, err := a.EraseDecisionInputs(t.Context(), req)
		if err != nil || res.GetErased() != 2 {
			t.Fatalf("EraseDecisionInputs: %v, %v, want 2", res, err)
		}
	}
	e := one.newest(tenantA)
	if e.EventType != "decision_inputs.erased" || e.Details["reason"] != req.GetReason() || e.Details["erased"] != 2.0 || e.Resource.State["etag"] != "1" {
		t.Errorf("entry %+v", e)
	}
	for _, d := range gone {
		if in := one.open(tenantA, d); in.JSON() != nil {
			t.Errorf("after the erasure: %s", in.JSON())
		}
	}
	if in := two.open(tenantB, stays); in.JSON() == nil {
		t.Error("another tenant's input is gone")
	}
	for _, c := range []client{a, elsewhere} {
		if d := c.decide(askPolicy(policyA.GetId(), nil)); !d.GetInputKept() || one.open(tenantA, d).JSON() == nil {
			t.Errorf("decided after the erasure: %v", d)
		}
	}
	// What was masked cannot be compared any more: the answer could be another question's.
	_, err := a.Evaluate(t.Context(), ask)
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_REQUEST_ID_REUSED)

	_, err = a.EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{})
	wantError(t, err, codes.InvalidArgument, governancev1.ErrorReason_ERROR_REASON_INVALID_FIELD)
	if res, err := one.admin(tenant.ID(uuid.New())).EraseDecisionInputs(t.Context(), &governancev1.EraseDecisionInputsRequest{Reason: "x"}); err != nil || res.GetErased() != 0 {
		t.Errorf("a tenant that has kept nothing: %v, %v", res, err)
	}
}

// A decision does not fail because its input could not be kept, and says so.
func TestDecisionsWithoutTheStoreOfInputs(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	r := p.replica(rego.Config{})
	c := r.admin(tenantA)
	c.update(&governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)})
	policy := c.active("p", "allow := true")
	if d := c.decide(askPolicy(policy.GetId(), nil)); !d.GetInputKept() {
		t.Fatalf("decision %v", d)
	}
	if _, err := p.governance.Admin().Exec(t.Context(), `ALTER TABLE gov_decision_inputs RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d := c.decide(askPolicy(policy.GetId(), nil))
		if d.GetInputKept() || d.GetOutcome() != allow || r.newest(tenantA).Details["input_kept"] != nil {
			t.Errorf("decision %v", d)
		}
	}
}

// deafness makes connections that listen for notifications receive nothing more, as behind a network that loses packets. Everything else goes on.
type deafness struct {
	net.Conn
	on        *atomic.Bool
	listening atomic.Bool
}

func (d *deafness) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("LISTEN")) {
		d.listening.Store(true)
	}
	return d.Conn.Write(b)
}

func (d *deafness) Read(b []byte) (int, error) {
	for {
		n, err := d.Conn.Read(b)
		if err != nil || !d.on.Load() || !d.listening.Load() {
			return n, err
		}
	}
}

// Masks hold for every decision that begins after the answer, on a replica that hears nothing of the change, too.
func TestMasksHoldEverywhere(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	p.lease = time.Second
	var deaf atomic.Bool
	cfg, err := pgxpool.ParseConfig(p.governance.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	dial := cfg.ConnConfig.DialFunc
	cfg.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &deafness{Conn: conn, on: &deaf}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	here, there := p.replica(rego.Config{}), p.replicaOn(pool, rego.Config{})
	a, b := here.admin(tenantA), there.admin(tenantA)
	policy := a.active("p", "allow := true")
	masked := func() int32 {
		t.Helper()
		return b.decide(askPolicy(policy.GetId(), map[string]any{"name": "Ann"})).GetMaskedPaths()
	}
	masked() // is remembered
	deaf.Store(true)
	if n := masked(); n != 0 {
		t.Fatalf("%d places are masked before", n)
	}
	for _, n := range []int32{1, 0, 1} {
		s := &governancev1.DecisionSettings{}
		if n > 0 {
			s.Masks = maskPaths("/name")
		}
		a.update(s)
		if got := masked(); got != n {
			t.Errorf("after the answer %d places are masked on a replica that hears nothing, want %d", got, n)
		}
	}
}

// Decisions that go on while settings change are masked from the answer on, on every replica.
func TestMasksUnderLoad(t *testing.T) {
	t.Parallel()
	p := keeping(t)
	one, two := p.replica(rego.Config{}), p.replica(rego.Config{})
	a := one.admin(tenantA)
	policy := a.active("p", "allow := true")
	var updates atomic.Int64 // answered; odd: masks are in force
	var begun atomic.Int64   // updates begun
	stop, done := make(chan struct{}), make(chan struct{})
	for _, r := range []*replica{one, two, one, two} {
		c := r.admin(tenantA)
		go func() {
			defer func() { done <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				before := updates.Load()
				d, err := c.Evaluate(t.Context(), askPolicy(policy.GetId(), map[string]any{"name": "Ann"}))
				if err != nil {
					t.Error(err)
					return
				}
				if after := begun.Load(); after == before && int64(d.GetDecision().GetMaskedPaths()) != before%2 {
					t.Errorf("after %d updates %d places are masked", before, d.GetDecision().GetMaskedPaths())
				}
			}
		}()
	}
	for n := range 6 {
		begun.Add(1)
		s := &governancev1.DecisionSettings{}
		if n%2 == 0 {
			s.Masks = maskPaths("/name")
		}
		a.update(s)
		updates.Add(1)
	}
	close(stop)
	for range 4 {
		<-done
	}
}

// The schema itself keeps nonsense out.
func TestDecisionInputsSchema(t *testing.T) {
	t.Parallel()
	r := keeping(t).replica(rego.Config{})
	r.admin(tenantA).update(&governancev1.DecisionSettings{KeepInputs: true, InputRetention: durationpb.New(time.Hour)})
	for constraint, sql := range map[string]string{
		"gov_decision_settings_keep_inputs_check":     `UPDATE gov_decision_settings SET input_retention = NULL`,
		"gov_decision_settings_input_retention_check": `UPDATE gov_decision_settings SET input_retention = 60, kept_retention = 60`,
		"gov_decision_keys_wrapping_key_check":        `UPDATE gov_decision_keys SET wrapping_key = ''`,
		"gov_decision_keys_destroy_time_check":        `UPDATE gov_decision_keys SET wrapped = NULL`,
		"gov_decision_keys_live_key":                  `INSERT INTO gov_decision_keys (id, purpose, wrapping_key, wrapped) SELECT gen_random_uuid(), purpose, wrapping_key, wrapped FROM gov_decision_keys`,
		"row-level security":                          `UPDATE gov_decision_settings SET tenant_id = gen_random_uuid()`,
	} {
		err := postgres.TenantTx(tenant.NewContext(t.Context(), tenantA), r.pool, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), constraint) && constraint != "row-level security" {
			t.Errorf("%s: %v, want %s", sql, err, constraint)
		}
	}
	// Nothing is seen without a tenant, and of other tenants.
	err := postgres.TenantTx(tenant.NewContext(t.Context(), tenantB), r.pool, func(ctx context.Context, tx pgx.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM gov_decision_settings) + (SELECT count(*) FROM gov_decision_keys)`).Scan(&n)
		if n != 0 {
			t.Errorf("%d rows of another tenant", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
