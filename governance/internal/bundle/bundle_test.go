package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/config"
)

// Every combination of answers at a decision point comes to what it comes to here; each policy's answer is listed in the order of the names.
func TestDecisionPoints(t *testing.T) {
	t.Parallel()
	kinds := []struct{ name, rule, outcome string }{
		{"B allows", "allow := true", "ALLOW"},
		{"a denies", "allow := false", "DENY"},
		{"c.undefined", "allow if input.none", "ERROR"},
		{"A-malformed", "allow := true\nviolations := 1", "ERROR"},
	}
	p := newTenant(t)
	for i, k := range kinds {
		var points []string
		for mask := range 1 << len(kinds) {
			if mask&(1<<i) != 0 {
				points = append(points, fmt.Sprintf("point.n%d", mask))
			}
		}
		p.add(k.name, []rego.Module{{Path: "p.rego", Source: "package p\n" + k.rule}}, nil, points...)
	}
	opa := p.runOPA()
	for mask := 1; mask < 1<<len(kinds); mask++ {
		want, names := "ALLOW", []string{}
		for i, k := range kinds {
			if mask&(1<<i) == 0 {
				continue
			}
			names = append(names, k.name)
			if k.outcome == "DENY" || k.outcome == "ERROR" && want == "ALLOW" {
				want = k.outcome
			}
		}
		slices.Sort(names)
		value, _ := opa.Ask(map[string]any{}, "aumos", "decision_point", fmt.Sprintf("point.n%d", mask))
		answer, _ := value.(map[string]any)
		var listed []string
		results, _ := answer["results"].([]any)
		for _, r := range results {
			result, _ := r.(map[string]any)
			listed = append(listed, fmt.Sprint(result["policy_name"]))
		}
		if answer["outcome"] != want || answer["allow"] != (want == "ALLOW") || !slices.Equal(listed, names) {
			t.Errorf("%v: got %v, want %s", names, answer, want)
		}
	}
	if value, failed := opa.Ask(map[string]any{}, "aumos", "decision_point", "point.none"); value != nil || failed {
		t.Errorf("a point that nobody answers: %v", value)
	}
}

// A version that gives no answer is an error in the bundle too, and keeps nobody from the others.
func TestSilentVersion(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("good", []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}, nil, "point.one", "point.both")
	p.add("broken", []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}, nil, "point.both")
	p.parts[p.policies[0].VersionID] = bundle.Silent(rego.Quarantined)
	opa := p.runOPA()
	for path, want := range map[string]string{"policy/broken": "ERROR", "policy/good": "ALLOW", "decision_point/point.one": "ALLOW", "decision_point/point.both": "ERROR"} {
		if value, failed := opa.Ask(nil, append(append([]string{"aumos"}, strings.Split(path, "/")...), "outcome")...); value != want || failed {
			t.Errorf("%s: %v, want %s", path, value, want)
		}
	}
	if reason, failed := opa.Ask(nil, "aumos", "policy", "broken", "error_reason"); reason != "QUARANTINED" || failed {
		t.Errorf("the reason is %v", reason)
	}
}

// The same policies make the same bytes, and other policies another revision.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("a", []rego.Module{{Path: "z.rego", Source: "package p\nallow := data.x"}, {Path: "a.rego", Source: "package q"}}, map[string]any{"x": true, "a": nil}, "b.c", "d.e")
	p.add("b", []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}, nil, "b.c")
	key := signingKey(t)
	first, second := p.build(key), p.build(key)
	if !bytes.Equal(first.Bytes, second.Bytes) || first.ETag() != second.ETag() || first.Revision != second.Revision {
		t.Error("two builds differ")
	}
	if other := p.build(signingKey(t)); other.Revision != first.Revision || other.ETag() == first.ETag() {
		t.Error("another key makes another revision, or the same bytes")
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(first.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for packed := tar.NewReader(unzipped); ; {
		header, err := packed.Next()
		if err != nil {
			break
		}
		names = append(names, header.Name)
		if header.ModTime.Unix() != 0 || header.Uname != "" {
			t.Errorf("%s: %v", header.Name, header)
		}
	}
	if !slices.IsSorted(names) || len(names) != 8 || names[0] != ".manifest" || names[1] != ".signatures.json" {
		t.Errorf("files %q", names)
	}
	revisions := map[string]bool{first.Revision: true}
	for name, change := range map[string]func(policies []bundle.Policy) []bundle.Policy{
		"a name":           func(all []bundle.Policy) []bundle.Policy { all[0].Name = "A"; return all },
		"a policy":         func(all []bundle.Policy) []bundle.Policy { all[0].ID = uuid.New(); return all },
		"a version":        func(all []bundle.Policy) []bundle.Policy { all[0].VersionID = uuid.New(); return all },
		"content":          func(all []bundle.Policy) []bundle.Policy { all[0].ContentSHA256[0]++; return all },
		"a quarantine":     func(all []bundle.Policy) []bundle.Policy { all[0].Quarantined = true; return all },
		"a decision point": func(all []bundle.Policy) []bundle.Policy { all[0].DecisionPoints = []string{"b.c"}; return all },
		"moved points": func(all []bundle.Policy) []bundle.Policy {
			all[0].DecisionPoints, all[1].DecisionPoints = []string{"b.c"}, []string{"b.c", "d.e"}
			return all
		},
		"fewer policies": func(all []bundle.Policy) []bundle.Policy { return all[:1] },
		"none":           func([]bundle.Policy) []bundle.Policy { return nil },
	} {
		revision := bundle.RevisionOf(change(slices.Clone(p.policies)))
		if revisions[revision] {
			t.Errorf("%s: revision %s is in use", name, revision)
		}
		revisions[revision] = true
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	parameters := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8}})
	openssl := config.Secret(append(parameters, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})...))
	signing, known, err := bundle.Config{SigningKey: openssl}.Keys()
	if err != nil || len(known) != 1 || known[0] != signing.PublicKey || !strings.HasPrefix(signing.ID, "aumos-") {
		t.Fatalf("got %v, %v", known, err)
	}
	other := signingKey(t)
	file := filepath.Join(t.TempDir(), "others.pem")
	if err := os.WriteFile(file, []byte(other.PEM+"\n"+signing.PEM), 0o600); err != nil {
		t.Fatal(err)
	}
	_, known, err = bundle.Config{SigningKey: openssl, OtherKeysFile: file}.Keys()
	if err != nil || !slices.Equal(known, []bundle.PublicKey{signing.PublicKey, other.PublicKey}) {
		t.Errorf("got %v, %v", known, err)
	}

	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]bundle.Config{
		"another curve":    {SigningKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))},
		"no PEM":           {SigningKey: "secret-text"},
		"no key":           {SigningKey: config.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret-text")}))},
		"a public key":     {SigningKey: config.Secret(other.PEM)},
		"a missing file":   {SigningKey: openssl, OtherKeysFile: file + "x"},
		"a port, no key":   {Listen: ":1"},
		"a file of others": {SigningKey: openssl, OtherKeysFile: "bundle_test.go"},
	} {
		if err := c.Validate(); err == nil || strings.Contains(err.Error(), "secret-text") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (bundle.Config{}).Validate(); err != nil {
		t.Errorf("without bundles: %v", err)
	}
}
