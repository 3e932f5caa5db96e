//go:build linux

package decisionbench_test

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

const (
	restConnections = 256
	restTime        = 3 * time.Second
)

// BenchmarkCollection is a garbage collection of a server at rest: after decisions for some seconds, with its connections open. What is marked then is marked in
// every collection under load, where it takes the processors from questions. A busy machine shows in the times, not in the numbers of objects and bytes.
func BenchmarkCollection(b *testing.B) {
	l := serveHere(b).connections(restConnections, restConnections)
	saturate(b, l, restTime)
	for _, c := range l.connections {
		c.caller, c.rest, c.open = nil, nil, nil // it is the server's memory that counts: the sockets stay open without
	}
	runtime.GC() // what pools hold is kept for one collection
	runtime.GC()
	marking, whole := time.Duration(1<<63-1), time.Duration(1<<63-1)
	for b.Loop() {
		before, start := marked(), time.Now()
		runtime.GC()
		marking, whole = min(marking, marked()-before), min(whole, time.Since(start))
	}
	b.ReportMetric(float64(marking), "least-mark-cpu-ns/op")
	b.ReportMetric(float64(whole), "least-ns/op")
	b.ReportMetric(float64(measure("/gc/heap/objects:objects").Uint64()), "objects")
	b.ReportMetric(float64(measure("/gc/scan/heap:bytes").Uint64()), "pointer-B")
	b.ReportMetric(float64(measure("/gc/scan/stack:bytes").Uint64()), "stack-B")
	b.ReportMetric(float64(measure("/sched/goroutines:goroutines").Uint64()), "goroutines")
}

// marked is the processor time that marking has taken until now.
func marked() time.Duration {
	seconds := 0.0
	for _, part := range []string{"assist", "dedicated", "idle"} {
		seconds += measure("/cpu/classes/gc/mark/" + part + ":cpu-seconds").Float64()
	}
	return time.Duration(seconds * float64(time.Second))
}

func measure(name string) metrics.Value {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value
}
