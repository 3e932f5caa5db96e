// Package driftbench measures how fast the drift engine is beside the implementations that practitioners use: SciPy, Evidently and River. It
// has a benchmark only; `make bench-drift` runs it and writes docs/bench-drift.md.
package driftbench
