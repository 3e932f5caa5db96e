package sample

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// fingerprintHeader names the format that the fingerprint covers; a new format gets a new header.
const fingerprintHeader = "aumos drift sample v1\n"

// Fingerprint returns the SHA-256 over the set's canonical form: equal data has equal fingerprints, whatever the order of rows, columns or
// batches. The form is, all integers little-endian:
//
//	"aumos drift sample v1\n"
//	uint64 rows
//	uint32 number of features
//	for each feature, in ascending order of its name's bytes:
//	  uint32 length of the name, the name (UTF-8)
//	  one byte type: 'N' numeric, 'C' categorical, 'B' boolean
//	  uint64 missing rows
//	  uint64 number of distinct categories, or of values when numeric
//	  the content (see Content)
func (s Set) Fingerprint() [32]byte {
	order := make([]int, len(s.Features))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.Features[a].Name, s.Features[b].Name) })

	hash := sha256.New()
	buffer := []byte(fingerprintHeader)
	buffer = binary.LittleEndian.AppendUint64(buffer, uint64(s.Rows))          // not negative
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(s.Features))) // at most 500
	hash.Write(buffer)
	for _, i := range order {
		f, sample := s.Features[i], &s.Samples[i]
		buffer = binary.LittleEndian.AppendUint32(buffer[:0], uint32(len(f.Name))) // at most 512
		buffer = append(buffer, f.Name...)
		buffer = append(buffer, typeByte(f.Type))
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(sample.Missing))                        // not negative
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(len(sample.Sorted)+len(sample.Counts))) // not negative
		hash.Write(buffer)
		writeContent(f.Type, sample, func(piece []byte) { hash.Write(piece) })
	}
	return [32]byte(hash.Sum(nil))
}

func typeByte(t detect.FeatureType) byte {
	switch t {
	case detect.Numeric:
		return 'N'
	case detect.Categorical:
		return 'C'
	case detect.Boolean:
		return 'B'
	case detect.Text, detect.Timestamp, detect.Vector: // compared, never kept
	}
	return '?'
}
