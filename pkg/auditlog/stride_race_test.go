//go:build race

package auditlog_test

// stride leaves out most of what goes byte by byte under the race detector, which slows it by an order of magnitude: nothing of it is concurrent.
const stride = 13
