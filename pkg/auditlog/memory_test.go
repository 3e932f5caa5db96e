package auditlog_test

import (
	"bufio"
	"io"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

// liveHeap returns the bytes that the last garbage collection found in use.
func liveHeap() int64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// TestVerifyExportMemory verifies an export of 300,000 entries while it is written: memory does not grow with it, but for 16 bytes of an entry's id and
// the free half of their table, up to Options.MaxIDs. It runs alone, since it looks at the whole process.
func TestVerifyExportMemory(t *testing.T) {
	const entries, ids, bound = 300_000, 1000, 8 << 20
	l := &memoryLog{t: t}
	reader, writer := io.Pipe()
	written := make(chan int64, 1)
	go func() {
		size, err := writeLarge(l, writer, entries)
		_ = writer.CloseWithError(err)
		written <- size
	}()
	runtime.GC()
	before, peak, collections := liveHeap(), int64(0), 0
	opts := auditlog.Options{Keys: ring(t, 1, testTenant), MaxIDs: ids, Progress: func(int64) {
		if live := liveHeap(); live != peak {
			peak = max(peak, live)
			collections++
		}
	}}
	r, err := auditlog.VerifyExport(reader, opts)
	if err != nil || r.Verdict != auditlog.Verified || r.Entries != entries || r.UniqueIDs != ids {
		t.Fatalf("%+v, %v", r, err)
	}
	size := <-written
	t.Logf("%d MB, live heap %d kB before, %d kB at most, %d collections seen", size>>20, before>>10, peak>>10, collections)
	if size < 20*bound || collections < 3 || peak-before > bound {
		t.Errorf("the heap grew by %d kB while %d kB were read, %d collections seen", (peak-before)>>10, size>>10, collections)
	}
}

// writeLarge writes an export of n entries without keeping them, and returns its size.
func writeLarge(l *memoryLog, w io.Writer, n int) (int64, error) {
	counted := &counter{w: w}
	buffered := bufio.NewWriterSize(counted, 64<<10)
	x, err := auditlog.NewExportWriter(buffered, l.header())
	if err != nil {
		return 0, err
	}
	for i := range n {
		l.rows = l.rows[:0]
		e := testEntry(i % 1000)
		e.EntryID = uuid.NewSHA1(uuid.Nil, []byte{byte(i), byte(i >> 8), byte(i >> 16)})
		l.add(e, testTime.Add(time.Duration(i)*time.Millisecond))
		row := l.rows[0]
		hashes := make([][]byte, len(row.hashes))
		for level := range row.hashes {
			hashes[level] = row.hashes[level][:]
		}
		if err := x.Write(row.index, row.leaf, hashes, nil); err != nil {
			return 0, err
		}
	}
	if err := x.End(auditlog.LogEnd{Checkpoint: l.checkpoint(1)}); err != nil {
		return 0, err
	}
	err = buffered.Flush()
	return counted.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
