package bundle

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	opa "github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"
)

// file is one of the archive.
type file struct {
	name string // its path, without a slash at the beginning
	body []byte
}

// data is the versions' documents by their roots' names.
type data map[string]json.RawMessage

// manifest is the bundle's description (openpolicyagent.org, "Bundle File Format").
type manifest struct {
	Revision    string   `json:"revision"`
	Roots       []string `json:"roots"`
	RegoVersion int      `json:"rego_version"` // whatever the sidecar's default is
}

// archive writes the files with what describes and signs them. The same files make the same bytes: sorted, without times, and the signature draws no
// random numbers.
func archive(files []file, document data, revision string, key *Key, scope string) ([]byte, error) {
	described, err := json.Marshal(manifest{Revision: revision, Roots: []string{rootPackage}, RegoVersion: 1})
	if err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	versions, err := json.Marshal(map[string]any{rootPackage: map[string]any{versionsPackage: document}})
	if err != nil {
		return nil, fmt.Errorf("write data document: %w", err)
	}
	all := append(slices.Clone(files), file{".manifest", described}, file{"data.json", versions})
	signatures, err := sign(all, key, scope)
	if err != nil {
		return nil, err
	}
	all = append(all, file{".signatures.json", signatures})
	slices.SortFunc(all, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	for _, f := range all {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(f.body)), ModTime: time.Unix(0, 0)}
		if err := packed.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.name, err)
		}
		if _, err := packed.Write(f.body); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	if err := packed.Close(); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	if err := zipped.Close(); err != nil {
		return nil, fmt.Errorf("write archive: %w", err)
	}
	return out.Bytes(), nil
}

// signedFile is a file in the payload of the signature.
type signedFile struct {
	Name      string `json:"name"`
	Hash      string `json:"hash"`
	Algorithm string `json:"algorithm"`
}

// sign returns the signatures file: one JWT over the digests of all files. Those of JSON are over their values, as OPA computes them.
func sign(files []file, key *Key, scope string) ([]byte, error) {
	hasher, err := opa.NewSignatureHasher(opa.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign bundle: %w", err)
	}
	signed := make([]signedFile, len(files))
	for i, f := range files {
		var value any = f.body
		if opa.IsStructuredDoc(f.name) {
			if err := util.Unmarshal(f.body, &value); err != nil {
				return nil, fmt.Errorf("sign %s: %w", f.name, err)
			}
		}
		sum, err := hasher.HashFile(value)
		if err != nil {
			return nil, fmt.Errorf("sign %s: %w", f.name, err)
		}
		signed[i] = signedFile{Name: f.name, Hash: hex.EncodeToString(sum), Algorithm: opa.SHA256.String()}
	}
	slices.SortFunc(signed, func(a, b signedFile) int { return cmp.Compare(a.Name, b.Name) })
	token, err := key.sign(struct {
		Files []signedFile `json:"files"`
		Scope string       `json:"scope"`
	}{signed, scope})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string][]string{"signatures": {token}})
	if err != nil {
		return nil, fmt.Errorf("write signatures: %w", err)
	}
	return body, nil
}
