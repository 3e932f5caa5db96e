// Package decisionbench holds the benchmark of decisions beside OPA's own server: `make bench-decisions`.
package decisionbench
