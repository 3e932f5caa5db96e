package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
)

// digest stands for a row: equal rows have equal ones, different rows practically never.
type digest [2]uint64

// digests appends one for each row that falls into one of so many parts: all of them together may take more memory than the rows do. Equal rows
// fall into one part. A missing value is a value of its own; −0 and +0 are one.
func (t Table) digests(part, parts int, found []digest) []digest {
	names := make([][]digest, len(t.Columns)) // of categories, the first for missing values
	for k, c := range t.Columns {
		names[k] = make([]digest, len(c.Names)+1)
		for i, name := range c.Names {
			sum := sha256.Sum256([]byte(name)) // the sides number their categories as they like
			names[k][i+1] = digest{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}
		}
	}
	var block [1024]digest
	for first := 0; first < t.Rows; first += len(block) {
		rows := block[:min(len(block), t.Rows-first)]
		clear(rows)
		for k, c := range t.Columns {
			if c.Type == Numeric {
				for i, v := range c.Numbers[first : first+len(rows)] {
					rows[i].add(numberDigest(v))
				}
				continue
			}
			for i, code := range c.Codes[first : first+len(rows)] {
				rows[i].add(names[k][code+1])
			}
		}
		for _, d := range rows {
			if d[0]%uint64(parts) == uint64(part) {
				found = append(found, d)
			}
		}
	}
	return found
}

func numberDigest(v float64) digest {
	word := math.Float64bits(v + 0)
	if math.IsNaN(v) {
		word = math.MaxUint64 // whatever its payload
	}
	return digest{word, bits.Reverse64(word)}
}

func (d digest) compare(other digest) int {
	return cmp.Or(cmp.Compare(d[0], other[0]), cmp.Compare(d[1], other[1]))
}

// add takes in the value of the next column. Both words are mixed by multiplication to 128 bits, whose halves are folded.
func (d *digest) add(value digest) {
	const first, second = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03 // odd, without structure
	d[0] = fold(d[0]^value[0]^first, value[1]^second) + d[1]
	d[1] = fold(d[1]^value[1]^second, d[0]^value[0]^first)
}

func fold(a, b uint64) uint64 {
	high, low := bits.Mul64(a|1, b|1)
	return high ^ low
}
