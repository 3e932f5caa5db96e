package policy_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/policy"
)

// The expected value was computed by another implementation of the contract's sentence (Python's struct and hashlib).
func TestContentSHA256(t *testing.T) {
	t.Parallel()
	got := policy.ContentSHA256([]policy.Module{
		{Path: "retrain.rego", Source: "package aumos.retrain\n\nallow if true # größer\n"},
		{Path: "lib/util.rego", Source: "package lib\n"},
	}, nil)
	if want := "99d3c18b7e954d70488354cac8223142f2c61c4a114e9b6ab05ae248b255763a"; got.String() != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestContentSHA256TellsContentsApart(t *testing.T) {
	t.Parallel()
	a, b := policy.Module{Path: "a.rego", Source: "package a"}, policy.Module{Path: "b.rego", Source: "package b"}
	seen := map[policy.Digest]int{}
	for i, modules := range [][]policy.Module{
		nil,
		{{}},
		{a},
		{b},
		{a, b},
		{b, a},
		{a, a},
		{{Path: "a.regop", Source: "ackage a"}},
		{{Path: "a.rego", Source: "package ab.regopackage b"}},
	} {
		digest := policy.ContentSHA256(modules, nil)
		if other, ok := seen[digest]; ok {
			t.Errorf("contents %d and %d have the same digest", other, i)
		}
		seen[digest] = i
	}
}

// A data document counts like a last module of its path, and an empty one is not none.
func TestContentSHA256OfData(t *testing.T) {
	t.Parallel()
	a := policy.Module{Path: "a.rego", Source: "package a"}
	got := policy.ContentSHA256([]policy.Module{a}, []byte(`{"n":1}`))
	if want := policy.ContentSHA256([]policy.Module{a, {Path: "data.json", Source: `{"n":1}`}}, nil); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	if policy.ContentSHA256([]policy.Module{a}, []byte{}) == policy.ContentSHA256([]policy.Module{a}, nil) {
		t.Error("an empty document counts as none")
	}
}

func TestDigestScanBytes(t *testing.T) {
	t.Parallel()
	var d policy.Digest
	for _, n := range []int{0, 31, 33} {
		if err := d.ScanBytes(make([]byte, n)); err == nil {
			t.Errorf("%d bytes are a digest", n)
		}
	}
	want := policy.ContentSHA256(nil, nil)
	if err := d.ScanBytes(want[:]); err != nil || d != want {
		t.Errorf("got %s, %v, want %s", d, err, want)
	}
}
