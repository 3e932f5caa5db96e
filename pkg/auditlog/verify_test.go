package auditlog_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

func TestVerifyExport(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100} {
		l := newLog(t, n)
		opts := auditlog.Options{Keys: ring(t, 1, testTenant)}
		r := verify(t, l.export(l.header(), l.checkpoint(1)), opts)
		if r.Verdict != auditlog.Verified || r.Entries != int64(n) || r.TreeSize != int64(n) || r.RootHash != l.tree.Root() || len(r.SignedBy) != 1 {
			t.Errorf("%d entries: %+v", n, r)
		}
		if n > 0 && (!r.First.Equal(testTime) || r.Last.Before(r.First) || r.UniqueIDs != int64(n)) {
			t.Errorf("%d entries: times %v %v, %d ids", n, r.First, r.Last, r.UniqueIDs)
		}
	}
}

func TestContinuedExport(t *testing.T) {
	t.Parallel()
	const first = 13
	l := newLog(t, 20)
	checkpoint := l.checkpoint(1)
	part := newLog(t, first)
	h := l.header()
	h.FirstIndex = first
	for _, root := range part.tree.Roots() {
		h.PrecedingHashes = append(h.PrecedingHashes, root.String())
	}
	l.rows = l.rows[first:]
	opts := auditlog.Options{Keys: ring(t, 1, testTenant), Known: []string{part.checkpoint(1)}}
	r := verify(t, l.export(h, checkpoint), opts)
	if r.Verdict != auditlog.Verified || r.FirstIndex != first || r.Entries != 7 || r.KnownCheckpoints != 1 {
		t.Fatalf("%+v", r)
	}
	h.PrecedingHashes[1] = tlog.Hash{}.String()
	if r := verify(t, l.export(h, checkpoint), auditlog.Options{Keys: opts.Keys}); r.Verdict != auditlog.Tampered {
		t.Errorf("with another hash before the first entry: %+v", r)
	}
	h.PrecedingHashes = h.PrecedingHashes[:1]
	if r := verify(t, l.export(h, checkpoint), opts); r.Verdict != auditlog.Tampered {
		t.Errorf("with a hash missing before the first entry: %+v", r)
	}
}

func TestVerifyReadError(t *testing.T) {
	t.Parallel()
	l := newLog(t, 3)
	file := l.export(l.header(), l.checkpoint(1))
	cause := errors.New("disk on fire")
	_, err := auditlog.VerifyExport(io.MultiReader(bytes.NewReader(file[:100]), iotest.ErrReader(cause)), auditlog.Options{})
	if !errors.Is(err, cause) {
		t.Errorf("VerifyExport: %v", err)
	}
}

func TestVerifyIDLimit(t *testing.T) {
	t.Parallel()
	l := newLog(t, 50)
	r := verify(t, l.export(l.header(), l.checkpoint(1)), auditlog.Options{Keys: ring(t, 1, testTenant), MaxIDs: 10})
	if r.Verdict != auditlog.Verified || r.UniqueIDs != 10 {
		t.Errorf("%+v", r)
	}
}

func TestVerifyFindingsAreBounded(t *testing.T) {
	t.Parallel()
	l := newLog(t, 300)
	for i := range l.rows {
		l.rows[i].mismatched = []string{"action"}
	}
	r := verify(t, l.export(l.header(), l.checkpoint(1)), auditlog.Options{Keys: ring(t, 1, testTenant)})
	if r.Verdict != auditlog.Tampered || len(r.Findings) != 100 || r.Dropped != 200 {
		t.Errorf("%v, %d findings, %d dropped", r.Verdict, len(r.Findings), r.Dropped)
	}
}

func FuzzVerifyExport(f *testing.F) {
	l := newLog(f, 4)
	good := l.export(l.header(), l.checkpoint(1))
	f.Add(good)
	f.Add([]byte(`{"format":"aumos.audit-export/v1"}`))
	keys := ring(f, 1, testTenant)
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := auditlog.VerifyExport(bytes.NewReader(file), auditlog.Options{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict == auditlog.Verified && !bytes.Equal(bytes.TrimSuffix(file, []byte("\n")), bytes.TrimSuffix(good, []byte("\n"))) {
			t.Fatalf("verified: %q", file)
		}
	})
}

func BenchmarkVerifyExport(b *testing.B) {
	const n = 20000
	l := newLog(b, n)
	file := l.export(l.header(), l.checkpoint(1))
	opts := auditlog.Options{Keys: ring(b, 1, testTenant)}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if r := verify(b, file, opts); r.Verdict != auditlog.Verified {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(len(file))/n, "B/entry")
}
