package sample

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
)

// A feature's content is the canonical form of its usable values; it is what is stored and what a fingerprint covers. All integers are
// little-endian.
//
//   - NUMERIC: every value in ascending order as an IEEE 754 double (8 bytes, little-endian); zero is always +0.
//   - CATEGORICAL and BOOLEAN: for each category, in ascending order of its bytes, the length of its name (uint32), its name (UTF-8; booleans
//     are "false" and "true") and its count (uint64, at least 1).

// ErrContent is wrapped by every failure to decode.
var ErrContent = errors.New("malformed content")

// chunk is the size of the pieces in which numbers are encoded.
const chunk = 4096

// writeContent passes the content in pieces to write, which must not keep them.
func writeContent(t detect.FeatureType, s *Sample, write func([]byte)) {
	if t == detect.Numeric {
		buffer := make([]byte, 0, 8*chunk)
		for values := range slices.Chunk(s.Sorted, chunk) {
			buffer = buffer[:0]
			for _, v := range values {
				buffer = binary.LittleEndian.AppendUint64(buffer, math.Float64bits(v))
			}
			write(buffer)
		}
		return
	}
	var buffer []byte
	for _, name := range slices.Sorted(maps.Keys(s.Counts)) {
		buffer = binary.LittleEndian.AppendUint32(buffer[:0], uint32(len(name))) // at most MaxCategoryBytes
		buffer = append(buffer, name...)
		buffer = binary.LittleEndian.AppendUint64(buffer, uint64(s.Counts[name])) // a count is not negative
		write(buffer)
	}
}

// Content returns the feature's content.
func (s Set) Content(feature int) []byte {
	sample := &s.Samples[feature]
	content := make([]byte, 0, 8*len(sample.Sorted))
	writeContent(s.Features[feature].Type, sample, func(piece []byte) { content = append(content, piece...) })
	return content
}

// Decode reads a feature's content. The counts of rows are kept beside it.
func Decode(t detect.FeatureType, rows, missing int64, content []byte) (Sample, error) {
	s := Sample{Rows: rows, Missing: missing}
	var values int64
	if t == detect.Numeric {
		if len(content)%8 != 0 {
			return Sample{}, fmt.Errorf("decode numbers: %w: %d bytes", ErrContent, len(content))
		}
		s.Sorted = make([]float64, len(content)/8)
		for i := range s.Sorted {
			s.Sorted[i] = math.Float64frombits(binary.LittleEndian.Uint64(content[8*i:]))
			if math.IsNaN(s.Sorted[i]) || math.IsInf(s.Sorted[i], 0) || i > 0 && s.Sorted[i] < s.Sorted[i-1] {
				return Sample{}, fmt.Errorf("decode numbers: %w: value %d is out of order or not finite", ErrContent, i)
			}
		}
		values = int64(len(s.Sorted))
	} else {
		s.Counts = make(map[string]int64)
		for len(content) > 0 {
			if len(content) < 4 {
				return Sample{}, fmt.Errorf("decode categories: %w: cut short", ErrContent)
			}
			n := int(binary.LittleEndian.Uint32(content))
			content = content[4:]
			if n > MaxCategoryBytes || len(content) < n+8 {
				return Sample{}, fmt.Errorf("decode categories: %w: cut short", ErrContent)
			}
			count := binary.LittleEndian.Uint64(content[n:])
			if count == 0 || count > MaxRows {
				return Sample{}, fmt.Errorf("decode categories: %w: count %d", ErrContent, count)
			}
			s.Counts[string(content[:n])] = int64(count)
			values += int64(count)
			content = content[n+8:]
		}
	}
	if values+missing != rows {
		return Sample{}, fmt.Errorf("decode sample: %w: %d values and %d missing of %d rows", ErrContent, values, missing, rows)
	}
	return s, nil
}
