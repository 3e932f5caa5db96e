package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/bundle"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/governance/opatest"
)

// repack returns the bundle with its files changed: change returns what a file holds instead, nil for nothing at all.
func repack(t *testing.T, b *bundle.Bundle, change func(name string, body []byte) []byte, more ...string) *bundle.Bundle {
	t.Helper()
	unzipped, err := gzip.NewReader(bytes.NewReader(b.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	from, to := tar.NewReader(unzipped), tar.NewWriter(zipped)
	write := func(name string, body []byte) {
		if err := to.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))}); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	for {
		header, err := from.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		if body = change(header.Name, body); body != nil {
			write(header.Name, body)
		}
	}
	for _, name := range more {
		write(name, []byte("package more\nx := 1"))
	}
	if err := errors.Join(to.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	other := *b
	other.Bytes, other.SHA256 = out.Bytes(), sha256.Sum256(out.Bytes())
	return &other
}

func same(_ string, body []byte) []byte { return body }

// forge replaces the signature by one with the header, of an HMAC under the secret.
func forge(header map[string]any, secret []byte) func(name string, body []byte) []byte {
	return func(name string, body []byte) []byte {
		if name != ".signatures.json" {
			return body
		}
		var file struct {
			Signatures []string `json:"signatures"`
		}
		head, err := json.Marshal(header)
		if err = errors.Join(err, json.Unmarshal(body, &file)); err != nil {
			panic(err)
		}
		text := base64.RawURLEncoding.EncodeToString(head) + "." + strings.Split(file.Signatures[0], ".")[1]
		var sum []byte
		if secret != nil {
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(text))
			sum = mac.Sum(nil)
		}
		file.Signatures[0] = text + "." + base64.RawURLEncoding.EncodeToString(sum)
		if body, err = json.Marshal(file); err != nil {
			panic(err)
		}
		return body
	}
}

// A sidecar takes the tenant's bundle as we have signed it, and nothing else.
func TestSidecarRefuses(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("deny all", []rego.Module{{Path: "p.rego", Source: "package p\nallow := false"}}, nil)
	key := signingKey(t)
	good := p.build(key)
	foreign, err := bundle.Build(p.policies, p.parts, key, "0189bbbb-0000-7000-8000-00000000000b")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		bad  *bundle.Bundle
		says string
	}{
		{"a changed rule", repack(t, good, func(_ string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("allow := false"), []byte("allow := true"))
		}), "digest mismatch"},
		{"changed data", repack(t, good, func(name string, body []byte) []byte {
			if name == "data.json" {
				return []byte(`{"aumos":{"versions":{"x":1}}}`)
			}
			return body
		}), "digest mismatch"},
		{"a changed manifest", repack(t, good, func(_ string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"roots":["aumos"]`), []byte(`"roots":[""]`))
		}), "digest mismatch"},
		{"a file more", repack(t, good, same, "aumos/more.rego"), "not included in bundle signature"},
		{"a file less", repack(t, good, func(name string, body []byte) []byte {
			if name == "aumos/policies.rego" {
				return nil
			}
			return body
		}), "aumos/policies.rego"},
		{"no signature", repack(t, good, func(name string, body []byte) []byte {
			if name == ".signatures.json" {
				return nil
			}
			return body
		}), "bundle missing .signatures.json file"},
		{"an unsigned signature", repack(t, good, forge(map[string]any{"alg": "none", "kid": key.ID}, nil)), "failed to verify JWT signature"},
		{"the public key as a secret", repack(t, good, forge(map[string]any{"alg": "HS256", "kid": key.ID}, []byte(key.PEM))), "failed to verify JWT signature"},
		{"a key of the signature's own", repack(t, good, forge(map[string]any{"alg": "HS256", "kid": "_default"}, []byte("secret"))), "verification key corresponding to ID"},
		{"another key", p.build(signingKey(t)), "verification key corresponding to ID"},
		{"another tenant's", foreign, "scope mismatch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := serve(t, c.bad)
			opa := opatest.Run(t, configuration(at.url, tenantID.String(), key.PublicKey))
			opa.Await(c.says)
			if answer, failed := opa.Ask(nil, "aumos"); answer != nil || failed {
				t.Errorf("the sidecar answers %v", answer)
			}
			at.bundle.Store(good)
			opa.Await(activated)
			if answer, _ := opa.Ask(nil, "aumos", "policy", "deny all", "outcome"); answer != "DENY" {
				t.Errorf("the sidecar answers %v", answer)
			}
		})
	}
	if again := repack(t, good, same); again.Revision != good.Revision {
		t.Error("the archive could not be packed again")
	}
}

// While keys rotate, a sidecar that knows both takes what either has signed.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	p := newTenant(t)
	p.add("one", []rego.Module{{Path: "p.rego", Source: "package p\nallow := true"}}, nil)
	before, after := signingKey(t), signingKey(t)
	at := serve(t, p.build(before))
	opa := opatest.Run(t, configuration(at.url, tenantID.String(), before.PublicKey, after.PublicKey))
	opa.Await(activated)
	at.bundle.Store(p.build(after))
	opa.Await(activated)
}
