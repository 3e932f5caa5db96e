package auditlog_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const testPrefix = "audit.example.com/log"

var (
	testTenant = tenant.ID(uuid.MustParse("0190a000-0000-7000-8000-00000000000a"))
	testTime   = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
)

// entryID returns the n-th of a fixed sequence of ids.
func entryID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("0190a000-0000-7000-9000-%012x", n+1))
}

func testEntry(n int) auditlog.Entry {
	return auditlog.Entry{
		EntryID:       entryID(n),
		TenantID:      testTenant,
		EventType:     "policy.version_activated",
		Action:        "policy.activate",
		Outcome:       auditlog.Success,
		Actor:         auditlog.Actor{Kind: auditlog.ActorUser, ID: "user-1"},
		Resource:      auditlog.Resource{Type: "policy", ID: fmt.Sprintf("p-%d", n), State: map[string]any{"active": true}},
		SourceService: "governance",
		RequestID:     "req-1",
		Details:       map[string]any{"n": n, "note": "a \"quoted\"\nline", "list": []any{nil, 1.5, "x"}},
		Digests:       []auditlog.Digest{{Name: "input", SHA256: [32]byte{1, 2, 3}}},
	}
}

func testKeys(t testing.TB, seeds ...byte) []auditlog.SigningKey {
	t.Helper()
	text := make([]string, len(seeds))
	for i, s := range seeds {
		text[i] = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{s}, ed25519.SeedSize))
	}
	keys, err := auditlog.ParseSigningKeys(strings.Join(text, ","))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// ring returns the public side of the key with a seed, for a tenant's log.
func ring(t testing.TB, seed byte, id tenant.ID) auditlog.Keyring {
	t.Helper()
	vkey, err := testKeys(t, seed)[0].VKey(auditlog.Origin(testPrefix, id))
	if err != nil {
		t.Fatal(err)
	}
	r, err := auditlog.ParseKeys(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// row is an entry as a database would hold it.
type row struct {
	index      int64
	leaf       []byte
	hashes     []tlog.Hash
	mismatched []string
}

// memoryLog is a log in memory.
type memoryLog struct {
	t    testing.TB
	rows []row
	tree auditlog.Range
}

func newLog(t testing.TB, n int) *memoryLog {
	t.Helper()
	l := &memoryLog{t: t}
	for i := range n {
		l.add(testEntry(i), testTime.Add(time.Duration(i)*time.Millisecond))
	}
	return l
}

func (l *memoryLog) add(e auditlog.Entry, recorded time.Time) {
	l.t.Helper()
	e.LeafIndex, e.RecordedTime = l.tree.Size(), recorded
	leaf, err := e.Marshal()
	if err != nil {
		l.t.Fatal(err)
	}
	l.rows = append(l.rows, row{index: e.LeafIndex, leaf: leaf, hashes: l.tree.Append(nil, auditlog.LeafHash(leaf))})
}

// rehash recomputes all stored hashes from the leaves: what an attacker with the code would do.
func (l *memoryLog) rehash() {
	l.tree = auditlog.Range{}
	for i := range l.rows {
		l.rows[i].hashes = l.tree.Append(nil, auditlog.LeafHash(l.rows[i].leaf))
	}
}

func (l *memoryLog) clone() *memoryLog {
	c := &memoryLog{t: l.t, tree: l.tree.Clone()}
	for _, r := range l.rows {
		r.leaf = bytes.Clone(r.leaf)
		r.hashes = append([]tlog.Hash(nil), r.hashes...)
		c.rows = append(c.rows, r)
	}
	return c
}

func (l *memoryLog) checkpoint(seed byte) string {
	l.t.Helper()
	c := auditlog.Checkpoint{Origin: auditlog.Origin(testPrefix, testTenant), Size: l.tree.Size(), Root: l.tree.Root()}
	signed, _, err := c.Sign(testKeys(l.t, seed)...)
	if err != nil {
		l.t.Fatal(err)
	}
	return signed
}

func (l *memoryLog) header() auditlog.ExportHeader {
	vkey, err := testKeys(l.t, 1)[0].VKey(auditlog.Origin(testPrefix, testTenant))
	if err != nil {
		l.t.Fatal(err)
	}
	return auditlog.ExportHeader{Origin: auditlog.Origin(testPrefix, testTenant), TenantID: testTenant.String(), Keys: []string{vkey}}
}

// export writes the rows under a header with a checkpoint.
func (l *memoryLog) export(h auditlog.ExportHeader, checkpoint string) []byte {
	l.t.Helper()
	var b bytes.Buffer
	x, err := auditlog.NewExportWriter(&b, h)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, r := range l.rows {
		hashes := make([][]byte, len(r.hashes))
		for i := range r.hashes {
			hashes[i] = r.hashes[i][:]
		}
		if err := x.Write(r.index, r.leaf, hashes, r.mismatched); err != nil {
			l.t.Fatal(err)
		}
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: checkpoint}); err != nil {
		l.t.Fatal(err)
	}
	return b.Bytes()
}

func verify(t testing.TB, export []byte, opts auditlog.Options) auditlog.Report {
	t.Helper()
	r, err := auditlog.VerifyExport(bytes.NewReader(export), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
