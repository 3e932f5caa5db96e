package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
	"github.com/aumos-enterprise/platform/pkg/interceptor"
)

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
