package main

import (
	"bytes"
	"os/exec"
	"testing"
)

// TestProfileLeavesSHA256Alone reads the profile by which the program is compiled: if it has SHA-256 in it, all that is hashed is allocated.
func TestProfileLeavesSHA256Alone(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-symbolize=none", "-nodefraction=0", "-nodecount=1000000", "default.pgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("crypto/sha256.")) || !bytes.Contains(out, []byte("decision.(*Decider)")) {
		t.Error("the profile is not as `make profile` writes it")
	}
}
