package auditlog_test

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// described is an entry whose details write themselves, n bytes of them at least.
func described(n, size int) auditlog.Entry {
	e := testEntry(n)
	e.Details, e.Describe = nil, func(o *auditlog.Object) {
		o.Text("n", strconv.Itoa(n))
		o.Objects("results", 1, func(_ int, o *auditlog.Object) { o.Text("text", strings.Repeat(strconv.Itoa(n%10), size)) })
	}
	return e
}

// Drafts hand their memory on: whatever the sizes and the order, each leaf is that of a draft whose memory nobody had before, and stays what it is.
func TestRelease(t *testing.T) {
	t.Parallel()
	const writers, entries = 8, 200
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			var leaves, want [][]byte
			var held []*auditlog.Draft
			for i := range entries {
				n := w*entries + i
				size := []int{0, 100, 3000, 5000, 50_000}[(i*i+w)%5]
				plain := testEntry(n)
				plain.Details = map[string]any{
					"n": strconv.Itoa(n), "results": []any{map[string]any{"text": strings.Repeat(strconv.Itoa(n%10), size)}},
				}
				fresh, err := auditlog.NewDraft(plain) // never released
				if err != nil {
					t.Error(err)
					return
				}
				leaf, _ := fresh.Leaf(1, testTime)
				want = append(want, leaf)
				d, err := auditlog.NewDraft(described(n, size))
				if err != nil {
					t.Error(err)
					return
				}
				if held = append(held, d); len(held) == 3 { // others were drafted meanwhile
					leaf, _ := held[0].Leaf(1, testTime)
					leaves = append(leaves, leaf)
					held[0].Release()
					held = held[1:]
				}
			}
			for i := range leaves {
				if !bytes.Equal(leaves[i], want[i]) {
					t.Errorf("writer %d, leaf %d is %q, want %q", w, i, leaves[i], want[i])
				}
			}
		})
	}
	all.Wait()
}

// A draft whose memory may be another's by now has no leaf, rather than the other's.
func TestLeafAfterRelease(t *testing.T) {
	t.Parallel()
	d, err := auditlog.NewDraft(testEntry(1))
	if err != nil {
		t.Fatal(err)
	}
	d.Release()
	d.Release() // only once
	defer func() {
		if recover() == nil {
			t.Error("there is a leaf")
		}
	}()
	d.Leaf(1, testTime)
}

func BenchmarkDraft(b *testing.B) {
	e := testEntry(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := auditlog.NewDraft(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDraftLeaf(b *testing.B) {
	d, err := auditlog.NewDraft(testEntry(1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if leaf, _ := d.Leaf(7, testTime); len(leaf) == 0 {
			b.Fatal("no leaf")
		}
	}
}
