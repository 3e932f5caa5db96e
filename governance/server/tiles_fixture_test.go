package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/pkg/auth"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	typev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/type/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// tiles is a service that serves its logs over HTTP.
type tiles struct {
	*stack
	running *service
}

func newTiles(t *testing.T, limit interceptor.RateLimit) *tiles {
	t.Helper()
	s := newStack(t)
	s.cfg.Tiles.Listen = "127.0.0.1:0"
	s.cfg.RateLimit = limit
	return &tiles{stack: s, running: s.run(t)}
}

// grow records n entries of a tenant, many at the same time.
func (s *tiles) grow(t *testing.T, id tenant.ID, n int) {
	t.Helper()
	client := governancev1.NewAuditServiceClient(s.running.dial(t, s.issuer.Token(t, "service-drift", tenant.ID{}, auth.RoleService), id.String()))
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for i := range n {
		group.Go(func() error {
			_, err := client.RecordEntry(ctx, &governancev1.RecordEntryRequest{
				EntryId: uuid.NewString(), EventType: "drift.detection", Action: "detection.run", Outcome: governancev1.AuditOutcome_AUDIT_OUTCOME_SUCCESS,
				Actor:    &typev1.Actor{Kind: typev1.ActorKind_ACTOR_KIND_SERVICE, Id: "service-drift"},
				Resource: &governancev1.AuditResource{Type: "detection", Id: uuid.NewString(), Name: strings.Repeat("n", i%200)},
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatalf("record an entry: %v", err)
	}
}

// auditor returns a token that reads the tenant's log.
func (s *tiles) auditor(t *testing.T, id tenant.ID) string {
	t.Helper()
	return s.issuer.Token(t, "ann", id, auth.RoleAuditor)
}

func (s *tiles) url(id tenant.ID) string {
	return "http://" + s.running.addresses.Tiles + "/" + id.String()
}

// client returns a client that trusts the key that the service names.
func (s *tiles) client(t *testing.T, id tenant.ID) *logClient {
	t.Helper()
	keys, err := governancev1.NewAuditServiceClient(s.running.dial(t, s.auditor(t, id), "")).ListLogKeys(t.Context(), &governancev1.ListLogKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(keys.GetKeys()[0].GetVkey())
	if err != nil {
		t.Fatal(err)
	}
	return &logClient{t: t, base: s.url(id), token: s.auditor(t, id), key: key, tiles: map[string][]byte{}}
}

// reply is the head of an answer.
type reply struct {
	Proto, Status string
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// do sends a request; the header's values come in pairs.
func do(t *testing.T, method, url, token string, header ...string) (reply, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request) // follows no redirects
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.Proto, response.Status, response.StatusCode, response.Header, response.ContentLength}, string(body)
}

func newTenant() tenant.ID { return tenant.ID(uuid.New()) }
