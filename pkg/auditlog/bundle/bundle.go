// Package bundle packs a log, or a part of it, with everything that is needed to verify it into one zip file, and verifies such files. The files
// inside are plain: whoever distrusts this code checks them with other tools.
//
// The same content gives the same bytes: files are stored in a fixed order, uncompressed and without times.
package bundle

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"strconv"
	"strings"
)

// Format names the format.
const Format = "aumos.audit-bundle/v1"

// The files.
const (
	readmeName      = "README.txt"
	entriesName     = "entries.jsonl"
	checkpointName  = "checkpoint"
	checkpointsName = "checkpoints.jsonl"
	keysName        = "keys.vkey"
	platformName    = "platform.vkey"
	leafName        = "commitment.leaf"
	receiptName     = "commitment.tlog-proof"
	receiptsPrefix  = "receipts/"
	receiptsSuffix  = ".tlog-proof"
	manifestName    = "manifest.json"
)

const (
	// MaxReceipts bounds the receipts of a bundle: a zip file's directory is kept in memory.
	MaxReceipts = 100_000
	// MaxCheckpoints bounds the older checkpoints of a bundle.
	MaxCheckpoints = 10_000

	otherFiles  = 10
	maxManifest = 64 << 20
	maxSmall    = 256 << 10 // of a checkpoint, a commitment, keys
)

//go:embed README.txt
var readme string

// manifest lists the files.
type manifest struct {
	Format     string         `json:"format"`
	Origin     string         `json:"origin"`
	TenantID   string         `json:"tenant_id"`
	FirstIndex int64          `json:"first_index"`
	Entries    int64          `json:"entries"`
	TreeSize   int64          `json:"tree_size"`
	Files      []manifestFile `json:"files"`
}

type manifestFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

func (m manifest) text() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("write manifest: %w", err)
	}
	return b.Bytes(), nil
}

// parseManifest reads the one form of a manifest.
func parseManifest(text []byte) (m manifest, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	again, err := m.text()
	switch {
	case err != nil:
		return m, err
	case !bytes.Equal(again, text):
		return m, errors.New("read manifest: not in canonical form")
	case m.Format != Format:
		return m, fmt.Errorf("read manifest: the format is %q", m.Format)
	}
	seen := map[string]bool{}
	for _, f := range m.Files {
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size || f.Size < 0 || seen[f.Name] {
			return m, fmt.Errorf("read manifest: the entry of %q", f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

// summed counts and hashes what is written through it.
type summed struct {
	hash hash.Hash
	crc  hash.Hash32
	size int64
}

func newSummed() *summed { return &summed{hash: sha256.New(), crc: crc32.NewIEEE()} }

func (s *summed) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	_, _ = s.crc.Write(p)  // never fails
	return s.hash.Write(p) // never fails
}

func (s *summed) file(name string) manifestFile {
	return manifestFile{Name: name, Size: s.size, SHA256: hex.EncodeToString(s.hash.Sum(nil))}
}

// receiptFile is the name of an entry's receipt: padded, so that names sort as indexes do.
func receiptFile(index int64) string {
	return fmt.Sprintf("%s%012d%s", receiptsPrefix, index, receiptsSuffix)
}

// receiptIndex is the inverse of receiptFile.
func receiptIndex(name string) (int64, bool) {
	digits, ok := strings.CutPrefix(name, receiptsPrefix)
	if ok {
		digits, ok = strings.CutSuffix(digits, receiptsSuffix)
	}
	index, err := strconv.ParseInt(digits, 10, 64)
	return index, ok && err == nil && index >= 0 && receiptFile(index) == name
}
