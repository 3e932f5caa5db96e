package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/aumos-enterprise/platform/governance/server"
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

// A client that knows nothing but the public formats mirrors a log, while it grows over full tiles, and checks all of it.
func TestTilesMirror(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	client := s.client(t, id)
	if empty, _ := client.head(); empty.N != 0 {
		t.Fatalf("the empty log has %d entries", empty.N)
	}

	s.grow(t, id, 300)
	first, _ := client.head()
	checkMirror(t, client, first, 300)
	s.grow(t, id, 301)
	second, text := client.head()
	leaves := checkMirror(t, client, second, 602) // the mirror's own reading has an entry

	// What the client took before is a prefix, and its partial tiles are still there.
	proof, err := tlog.ProveTree(second.N, first.N, tlog.TileHashReader(second, client))
	if err != nil || tlog.CheckTree(proof, second.N, second.Hash, first.N, first.Hash) != nil {
		t.Errorf("the first tree is no prefix of the second: %v", err)
	}
	client.tiles = map[string][]byte{}
	if diff := cmp.Diff(client.leaves(first.N), leaves[:first.N]); diff != "" {
		t.Errorf("the first tree's entries have changed: %s", diff)
	}

	response, err := governancev1.NewAuditServiceClient(s.running.dial(t, s.auditor(t, id), "")).GetCheckpoint(t.Context(), &governancev1.GetCheckpointRequest{})
	if err != nil || response.GetCheckpoint().GetNote() != text {
		t.Errorf("GetCheckpoint returns %q, %v; HTTP %q", response.GetCheckpoint().GetNote(), err, text)
	}
}

// checkMirror compares all that is served with a copy that is made from the leaves alone.
func checkMirror(t *testing.T, client *logClient, tree tlog.Tree, size int64) [][]byte {
	t.Helper()
	if tree.N != size {
		t.Fatalf("the checkpoint covers %d entries, want %d", tree.N, size)
	}
	leaves := client.leaves(size)
	copied := rebuild(t, leaves)
	if root, err := tlog.TreeHash(size, copied); err != nil || root != tree.Hash {
		t.Errorf("the root of the entries is %v, the checkpoint's %v: %v", root, tree.Hash, err)
	}
	all := tlog.NewTiles(tileHeight, 0, size)
	for _, tile := range all {
		want, err := tlog.ReadTileData(tile, copied)
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.ReadTiles([]tlog.Tile{tile})
		if err != nil || !bytes.Equal(got[0], want) {
			t.Errorf("%s is not what the entries say: %v", tilePath(tile), err)
		}
	}
	if len(all) != int(size>>tileHeight)+2 { // the last one of level 0 and the one of level 1
		t.Errorf("%d tiles compared", len(all))
	}
	reader := tlog.TileHashReader(tree, client)
	for _, index := range []int64{0, 1, 255, 256, size / 2, size - 1} {
		proof, err := tlog.ProveRecord(size, index, reader)
		if err != nil || tlog.CheckRecord(proof, size, tree.Hash, index, tlog.RecordHash(leaves[index])) != nil {
			t.Errorf("entry %d is not proved: %v", index, err)
		}
	}
	return leaves
}

func TestTilesRefuse(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 3)
	client := s.client(t, id)
	if head, _ := client.head(); head.N != 3 {
		t.Fatalf("the log has %d entries", head.N)
	}
	s.grow(t, id, 2) // not covered yet
	auditor, none := s.auditor(t, id), tenant.ID{}
	service := s.issuer.Token(t, "mirror", none, auth.RoleService, auth.RoleAuditor)
	for _, c := range []struct {
		name, method, path, token string
		code                      int
		reason                    string
	}{
		{"no token", "GET", "/" + id.String() + "/checkpoint", "", 401, "INVALID_TOKEN"},
		{"a token of nobody's", "GET", "/" + id.String() + "/checkpoint", "x.y.z", 401, "INVALID_TOKEN"},
		{"no token and no such path", "GET", "/" + id.String() + "/secret", "", 401, "INVALID_TOKEN"},
		{"a role that does not read the log", "GET", "/" + id.String() + "/tile/0/000.p/3", s.issuer.Token(t, "vera", id, auth.RoleViewer), 403, "PERMISSION_MISSING"},
		{"a service that records alone", "GET", "/" + id.String() + "/checkpoint", s.issuer.Token(t, "drift", none, auth.RoleService), 403, "PERMISSION_MISSING"},
		{"another tenant", "GET", "/" + id.String() + "/checkpoint", s.auditor(t, newTenant()), 404, "NOT_FOUND"},
		{"a service of another tenant", "GET", "/" + id.String() + "/checkpoint", s.issuer.Token(t, "mirror", newTenant(), auth.RoleService, auth.RoleAuditor), 404, "NOT_FOUND"},
		{"a token of no tenant", "GET", "/" + id.String() + "/checkpoint", s.auditor(t, none), 404, "NOT_FOUND"},
		{"no tenant", "GET", "/", service, 404, "NOT_FOUND"},
		{"the nil tenant", "GET", "/" + none.String() + "/checkpoint", service, 404, "NOT_FOUND"},
		{"a tenant that is no UUID", "GET", "/checkpoint/checkpoint", service, 404, "NOT_FOUND"},
		{"an escaped tenant", "GET", "/%" + hex.EncodeToString([]byte{id.String()[0]}) + id.String()[1:] + "/checkpoint", auditor, 404, "NOT_FOUND"},
		{"POST", "POST", "/" + id.String() + "/checkpoint", auditor, 405, ""},
		{"OPTIONS", "OPTIONS", "/" + id.String() + "/checkpoint", auditor, 405, ""},
		{"DELETE", "DELETE", "/" + id.String() + "/tile/0/000.p/3", auditor, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, c.method, "http://"+s.running.addresses.Tiles+c.path, c.token)
			checkRefusal(t, response, body, c.code, c.reason)
		})
	}
	for _, path := range []string{
		"", "checkpoint/", "Checkpoint", "/checkpoint", "./checkpoint", "x/../checkpoint", "%63heckpoint", "tile", "tile/", "tile/0", "tile/0/", "tile/0/000/",
		"tile/00/000.p/3", "tile/+0/000.p/3", "tile/-1/000.p/3", "tile/64/000.p/3", "tile/64/000", "tile/256/000", "tile/8/0/000.p/3", "tile/data/000.p/3",
		"tile/0/0.p/3", "tile/0/00.p/3", "tile/0/0000.p/3", "tile/0/x000.p/3", "tile/0/x000/000.p/3", "tile/0/000/000.p/3", "tile/0/-01.p/3", "tile/0/+01.p/3",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/03", "tile/0/000.p/+3", "tile/0/000.p/", "tile/0/000.p", "tile/0/000.p/3/", "tile/0/000.p/3.p/3",
		"tile/0/000%2ep/3", "tile/0/000.p%2f3", "tile/entries", "tile/entries/", "tile/entries/0.p/3", "tile/entries/000.p/0", "tile/entries/000.p/256",
		"tile/0/x001/x000/x000/x000/x000/x000/000", "tile/0/x999/x999/x999/x999/x999/999", "tile/entries/x999/x999/x999/x999/x999/999",
		// Beyond what is signed, or what a log can hold.
		"tile/0/000.p/4", "tile/0/000", "tile/0/001.p/1", "tile/entries/000.p/4", "tile/entries/000", "tile/entries/001.p/1", "tile/1/000.p/1", "tile/1/000",
		"tile/7/000.p/1", "tile/8/000.p/1", "tile/63/000", "tile/0/x001/234.p/1",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			response, body := do(t, "GET", s.url(id)+"/"+path, auditor)
			checkRefusal(t, response, body, 404, "NOT_FOUND")
		})
	}
	t.Run("until it is covered", func(t *testing.T) {
		t.Parallel()
		other := newTenant()
		s.grow(t, other, 2)
		client := s.client(t, other)
		if _, err := client.get("tile/0/000.p/1"); err == nil {
			t.Error("a tile was served that no checkpoint covers")
		}
		client.head()
		for _, path := range []string{"tile/0/000.p/1", "tile/0/000.p/2", "tile/entries/000.p/1", "tile/entries/000.p/2"} {
			if _, err := client.get(path); err != nil {
				t.Error(err)
			}
		}
	})
}

// checkRefusal checks what every refusal has in common.
func checkRefusal(t *testing.T, response reply, body string, code int, reason string) {
	t.Helper()
	var got struct {
		Status    int    `json:"status"`
		Reason    string `json:"reason"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %q: %v", response.Status, body, err)
	}
	if response.StatusCode != code || got.Status != code || got.Reason != reason {
		t.Errorf("got %s, %s; want %d, %s", response.Status, body, code, reason)
	}
	header := response.Header
	if id := header.Get("X-Request-Id"); id == "" || id != got.RequestID {
		t.Errorf("request id %q in the header, %q in the body", id, got.RequestID)
	}
	if header.Get("Content-Type") != "application/problem+json" || header.Get("Cache-Control") != "no-store" || header.Get("ETag") != "" {
		t.Errorf("header: %v", header)
	}
	if (header.Get("WWW-Authenticate") == "Bearer") != (code == 401) || (header.Get("Allow") == "GET, HEAD") != (code == 405) {
		t.Errorf("header: %v", header)
	}
}

// Nothing in an answer tells a tenant's log from one that does not exist.
func TestTilesHideOtherTenants(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	theirs, unknown := newTenant(), newTenant()
	s.grow(t, theirs, 2)
	s.client(t, theirs).head()
	for name, token := range map[string]string{
		"a person": s.auditor(t, newTenant()), "a service": s.issuer.Token(t, "mirror", newTenant(), auth.RoleService, auth.RoleAuditor),
	} {
		for _, path := range []string{"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/2", "/tile/0/000", "/nothing", ""} {
			var answers []string
			for _, id := range []tenant.ID{theirs, unknown} {
				response, body := do(t, "GET", s.url(id)+path, token, "X-Request-Id", "same")
				response.Header.Del("Date")
				answers = append(answers, fmt.Sprintf("%+v %s", response, body))
			}
			if diff := cmp.Diff(answers[0], answers[1]); diff != "" || !strings.HasPrefix(answers[0], "{Proto:HTTP/1.1 Status:404 ") {
				t.Errorf("%s, %s: %s%s", name, path, answers[0], diff)
			}
		}
	}
}

// A service principal without a tenant reads the log that the path names.
func TestTilesForServices(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 2)
	client := s.client(t, id)
	client.token = s.issuer.Token(t, "mirror", tenant.ID{}, auth.RoleService, auth.RoleAuditor)
	head, _ := client.head()
	if leaves := client.leaves(head.N); len(leaves) != 2 {
		t.Errorf("%d entries", len(leaves))
	}
}

func TestTilesCaching(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 257)
	s.client(t, id).head()
	token := s.auditor(t, id)
	const final, changes = "private, max-age=31536000, immutable", "private, no-cache"
	for path, want := range map[string][2]string{
		"/checkpoint":            {"text/plain; charset=utf-8", changes},
		"/tile/0/000":            {"application/octet-stream", final},
		"/tile/0/000.p/255":      {"application/octet-stream", changes},
		"/tile/0/001.p/1":        {"application/octet-stream", changes},
		"/tile/1/000.p/1":        {"application/octet-stream", changes},
		"/tile/entries/000":      {"application/octet-stream", final},
		"/tile/entries/001.p/1":  {"application/octet-stream", changes},
		"/tile/entries/000.p/17": {"application/octet-stream", changes},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			get, body := do(t, "GET", s.url(id)+path, token, "X-Request-Id", "mine")
			sum := sha256.Sum256([]byte(body))
			tag := `"` + hex.EncodeToString(sum[:]) + `"`
			check := func(response reply, code int, contentType string) {
				t.Helper()
				h := response.Header
				if response.StatusCode != code || h.Get("Content-Type") != contentType || h.Get("Cache-Control") != want[1] || h.Get("ETag") != tag ||
					h.Get("X-Request-Id") == "" || h.Get("Vary") != "Authorization" {
					t.Errorf("got %s, %v", response.Status, h)
				}
			}
			check(get, http.StatusOK, want[0])
			if body == "" || get.Header.Get("X-Request-Id") != "mine" {
				t.Errorf("got %q, %v", body, get.Header)
			}
			head, nothing := do(t, "HEAD", s.url(id)+path, token)
			check(head, http.StatusOK, want[0])
			if nothing != "" || head.ContentLength != int64(len(body)) {
				t.Errorf("HEAD: %d bytes, length %d, want %d", len(nothing), head.ContentLength, len(body))
			}
			for _, method := range []string{"GET", "HEAD"} {
				same, nothing := do(t, method, s.url(id)+path, token, "If-None-Match", `"other", `+tag)
				check(same, http.StatusNotModified, "")
				if nothing != "" {
					t.Errorf("%d bytes with a 304", len(nothing))
				}
			}
			other, again := do(t, "GET", s.url(id)+path, token, "If-None-Match", `"other"`)
			check(other, http.StatusOK, want[0])
			if again != body {
				t.Error("the body has changed")
			}
			if refused, text := do(t, "GET", s.url(id)+path, "", "If-None-Match", tag); refused.StatusCode != http.StatusUnauthorized {
				t.Errorf("without a token: %s: %s", refused.Status, text)
			}
		})
	}
}

// Requests over HTTP and rpcs have one rate together.
func TestTilesRateLimit(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{PerSecond: 1e-3, Burst: 2})
	id := newTenant()
	s.grow(t, id, 1)
	if response, body := do(t, "GET", s.url(id)+"/checkpoint", s.auditor(t, id)); response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", response.Status, body)
	}
	response, body := do(t, "GET", s.url(id)+"/checkpoint", s.auditor(t, id))
	checkRefusal(t, response, body, http.StatusTooManyRequests, "OVERLOADED")
	if response.Header.Get("Retry-After") == "" {
		t.Errorf("header: %v", response.Header)
	}
	other := newTenant()
	if response, body := do(t, "GET", s.url(other)+"/checkpoint", s.auditor(t, other)); response.StatusCode != http.StatusOK {
		t.Errorf("another tenant: %s: %s", response.Status, body)
	}
}

func TestTilesAreCounted(t *testing.T) {
	t.Parallel()
	s := newTiles(t, interceptor.RateLimit{})
	id := newTenant()
	s.grow(t, id, 1)
	token := s.auditor(t, id)
	for _, path := range []string{"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1", "/tile/entries/000.p/2", "/favicon.ico"} {
		do(t, "GET", s.url(id)+path, token)
	}
	do(t, "GET", s.url(id)+"/checkpoint", "")
	_, exposed := do(t, "GET", "http://"+s.running.addresses.Admin+"/metrics", "")
	for _, want := range []string{
		`{code="200",kind="checkpoint"`, `{code="401",kind="checkpoint"`, `{code="200",kind="tile"`, `{code="200",kind="entries"`,
		`{code="404",kind="entries"`, `{code="404",kind="unknown"`,
	} {
		if !strings.Contains(exposed, "aumos_audit_tile_requests_total"+want) {
			t.Errorf("%s is not counted", want)
		}
	}
}

// The port is off unless it is asked for, and a port that is taken stops the start.
func TestTilesPort(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	running := s.run(t)
	if running.addresses.Tiles != "" {
		t.Errorf("serves tiles on %s", running.addresses.Tiles)
	}
	other := newStack(t)
	other.cfg.Tiles.Listen = running.addresses.GRPC
	if err := other.refusal(t); err == nil || !strings.Contains(err.Error(), "serve audit logs") {
		t.Errorf("got %v", err)
	}
}

func TestTilesPlaintextInProduction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set     []string
		refused bool
	}{
		{[]string{"TILES__LISTEN=:9290"}, true},
		{[]string{"TILES__LISTEN=:9290", "ALLOW_INSECURE=plaintext_tiles"}, false},
		{[]string{"TILES__LISTEN=:9290", "SERVER__TLS__CERT_FILE=/tls.crt", "SERVER__TLS__KEY_FILE=/tls.key"}, false},
		{nil, false},
	} {
		environ := append(required(), server.Prefix+"PRODUCTION=true")
		for _, setting := range c.set {
			environ = append(environ, server.Prefix+setting)
		}
		cfg, err := server.Load(environ)
		if err != nil {
			t.Fatal(err)
		}
		err = cfg.Validate()
		if refused := err != nil && strings.Contains(err.Error(), "plaintext_tiles"); refused != c.refused {
			t.Errorf("%q: got %v", c.set, err)
		}
	}
}
