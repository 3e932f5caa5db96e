package auditlog

import (
	"bytes"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// appendJSONStruct appends a google.protobuf.Struct; keys must ascend.
func appendJSONStruct(dst, msg []byte, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errFormat
	}
	dst = append(dst, '{')
	var last []byte
	for first := true; len(msg) > 0; first = false {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num != 1 || typ != protowire.BytesType {
			return dst, errFormat
		}
		entry, m := protowire.ConsumeBytes(msg[n:])
		if m < 0 {
			return dst, errFormat
		}
		msg = msg[n+m:]
		key, value, err := splitMapEntry(entry)
		if err != nil {
			return dst, err
		}
		if !first {
			if bytes.Compare(key, last) <= 0 {
				return dst, errFormat
			}
			dst = append(dst, ',')
		}
		last = key
		if dst, err = appendJSONString(dst, key); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if dst, err = appendJSONValue(dst, value, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// splitMapEntry reads a map entry that holds exactly key and value.
func splitMapEntry(entry []byte) (key, value []byte, err error) {
	num, typ, n := protowire.ConsumeTag(entry)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return nil, nil, errFormat
	}
	key, m := protowire.ConsumeBytes(entry[n:])
	if m < 0 {
		return nil, nil, errFormat
	}
	entry = entry[n+m:]
	num, typ, n = protowire.ConsumeTag(entry)
	if n < 0 || num != 2 || typ != protowire.BytesType {
		return nil, nil, errFormat
	}
	value, m = protowire.ConsumeBytes(entry[n:])
	if m < 0 || n+m != len(entry) {
		return nil, nil, errFormat
	}
	return key, value, nil
}

// appendJSONValue appends a google.protobuf.Value: exactly one field.
func appendJSONValue(dst, msg []byte, depth int) ([]byte, error) {
	num, typ, n := protowire.ConsumeTag(msg)
	if n < 0 {
		return dst, errFormat
	}
	size := protowire.ConsumeFieldValue(num, typ, msg[n:])
	if size < 0 || n+size != len(msg) {
		return dst, errFormat
	}
	msg = msg[n:]
	switch {
	case num == valueNumber && typ == protowire.Fixed64Type:
		bits, _ := protowire.ConsumeFixed64(msg)
		return appendJSONNumber(dst, math.Float64frombits(bits))
	case (num == valueNull || num == valueBool) && typ == protowire.VarintType:
		v, _ := protowire.ConsumeVarint(msg)
		switch {
		case num == valueNull && v == 0:
			return append(dst, "null"...), nil
		case num == valueBool && v <= 1:
			return strconv.AppendBool(dst, v == 1), nil
		}
	case typ == protowire.BytesType:
		v, _ := protowire.ConsumeBytes(msg)
		switch num {
		case valueString:
			return appendJSONString(dst, v)
		case valueStruct:
			return appendJSONStruct(dst, v, depth+1)
		case valueList:
			return appendJSONList(dst, v, depth+1)
		default:
		}
	}
	return dst, errFormat
}

func appendJSONList(dst, msg []byte, depth int) ([]byte, error) {
	if depth >= maxDepth {
		return dst, errFormat
	}
	dst = append(dst, '[')
	for first := true; len(msg) > 0; first = false {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num != 1 || typ != protowire.BytesType {
			return dst, errFormat
		}
		value, m := protowire.ConsumeBytes(msg[n:])
		if m < 0 {
			return dst, errFormat
		}
		msg = msg[n+m:]
		if !first {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendJSONValue(dst, value, depth); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendJSONNumber formats like ECMAScript, as encoding/json and protojson do.
func appendJSONNumber(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, errFormat
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, 64)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 becomes e-9
		dst = dst[:n-1]
	}
	return dst, nil
}

// What a byte means for a JSON string.
const (
	stringUTF8    = 1 // part of a longer character
	stringEscaped = 2
)

var stringKinds = func() (kinds [256]byte) { //nolint:gochecknoglobals // a constant table
	for c := range kinds {
		switch {
		case c >= utf8.RuneSelf:
			kinds[c] = stringUTF8
		case c < ' ' || c == '"' || c == '\\':
			kinds[c] = stringEscaped
		}
	}
	return kinds
}()

func appendJSONString(dst, s []byte) ([]byte, error) {
	dst = append(dst, '"')
	var kinds byte
	for _, c := range s {
		kinds |= stringKinds[c]
	}
	if kinds&stringUTF8 != 0 && !utf8.Valid(s) {
		return dst, errFormat
	}
	if kinds&stringEscaped == 0 {
		dst = append(dst, s...)
		return append(dst, '"'), nil
	}
	const hex = "0123456789abcdef"
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
	return append(dst, '"'), nil
}

// decodeTime reads a google.protobuf.Timestamp within its range.
func decodeTime(msg []byte) (time.Time, error) {
	var values [3]int64
	var last protowire.Number
	for len(msg) > 0 {
		num, typ, n := protowire.ConsumeTag(msg)
		if n < 0 || num <= last || num > 2 || typ != protowire.VarintType {
			return time.Time{}, errFormat
		}
		v, m := protowire.ConsumeVarint(msg[n:])
		if m < 0 {
			return time.Time{}, errFormat
		}
		values[num], last, msg = int64(v), num, msg[n+m:] // two's complement, as int64 fields are encoded
	}
	const first, end = -62135596800, 253402300800 // 0001-01-01 and 10000-01-01
	if values[1] < first || values[1] >= end || values[2] < 0 || values[2] >= 1e9 {
		return time.Time{}, errFormat
	}
	return time.Unix(values[1], values[2]).UTC(), nil
}

// appendJSONTime writes RFC 3339 with 0, 3, 6 or 9 fractional digits, as protojson does.
func appendJSONTime(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"')
	dst = appendDigits(dst, year, 4, '-')
	dst = appendDigits(dst, int(month), 2, '-')
	dst = appendDigits(dst, day, 2, 'T')
	dst = appendDigits(dst, hour, 2, ':')
	dst = appendDigits(dst, minute, 2, ':')
	dst = appendDigits(dst, second, 2, 'Z')
	if ns := t.Nanosecond(); ns != 0 {
		dst[len(dst)-1] = '.'
		width := 9
		for width > 3 && ns%1000 == 0 {
			ns, width = ns/1000, width-3
		}
		dst = appendDigits(dst, ns, width, 'Z')
	}
	return append(dst, '"')
}

// appendDigits appends n with leading zeros, and what follows it.
func appendDigits(dst []byte, n, width int, next byte) []byte {
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, next)
}
