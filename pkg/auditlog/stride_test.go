//go:build !race

package auditlog_test

// stride of tests that go through a file.
const stride = 1
