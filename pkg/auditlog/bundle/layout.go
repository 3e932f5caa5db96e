package bundle

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// The records of the zip format (APPNOTE.TXT, section 4.3), by their signatures and the lengths of their fixed parts.
const (
	localSignature, localLength     = 0x04034b50, 30
	descriptorSignature             = 0x08074b50
	endSignature, endLength         = 0x06054b50, 22
	end64Signature, end64Length     = 0x06064b50, 56
	locatorSignature, locatorLength = 0x07064b50, 20
	directoryLength                 = 46 // of a file in the directory

	// described says that size and checksum follow a file's data. No other flag is set in a bundle.
	described = 1 << 3

	extraTime  = 0x5455
	extraZip64 = 0x0001
	maxExtra   = 64
)

// checkLayout sees to it that there is one way to read the file. The zip format tells of files twice, before their data and in the directory at the end,
// and lets anything stand in between: tools that go by the one would otherwise find other files than those that are verified by the other. So files
// must follow one another without gaps from the first byte to the last, and both records of each must say the same.
func checkLayout(r io.ReaderAt, size int64, files []*zip.File) error {
	at, directory := int64(0), int64(0)
	for _, f := range files {
		next, err := checkFile(r, at, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		at = next
		directory += int64(directoryLength + len(f.Name) + len(f.Extra))
	}
	return checkEnd(r, size, at, directory, len(files))
}

var errRecord = errors.New("what precedes the file is not what the directory says of it")

// checkFile compares what stands around a file's data with the directory, and returns where the next file begins.
func checkFile(r io.ReaderAt, at int64, f *zip.File) (next int64, err error) {
	if f.Flags != described || f.ExternalAttrs != 0 || !onlyExtras(f.Extra, extraTime, extraZip64) {
		return 0, errors.New("the directory has more to say of it than a bundle does")
	}
	var head [localLength]byte
	if err := readAt(r, head[:], at); err != nil {
		return 0, err
	}
	names, extras := int(binary.LittleEndian.Uint16(head[26:])), int(binary.LittleEndian.Uint16(head[28:]))
	switch {
	case binary.LittleEndian.Uint32(head[:]) != localSignature, binary.LittleEndian.Uint16(head[6:]) != described,
		binary.LittleEndian.Uint16(head[8:]) != zip.Store, names != len(f.Name), extras > maxExtra:
		return 0, errRecord
	case [12]byte(head[14:]) != [12]byte{}: // checksum and sizes, which follow the data
		return 0, errRecord
	}
	rest := make([]byte, names+extras)
	if err := readAt(r, rest, at+localLength); err != nil {
		return 0, err
	}
	if string(rest[:names]) != f.Name || !onlyExtras(rest[names:], extraTime) {
		return 0, errRecord
	}
	data := at + localLength + int64(len(rest))
	if offset, err := f.DataOffset(); err != nil || offset != data || f.UncompressedSize64 > math.MaxInt64/2 {
		return 0, errors.Join(err, errors.New("it does not follow the file before it"))
	}
	end := data + int64(f.UncompressedSize64)
	want := binary.LittleEndian.AppendUint32(nil, descriptorSignature)
	want = binary.LittleEndian.AppendUint32(want, f.CRC32)
	if f.UncompressedSize64 < math.MaxUint32 {
		want = binary.LittleEndian.AppendUint32(want, uint32(f.CompressedSize64))
		want = binary.LittleEndian.AppendUint32(want, uint32(f.UncompressedSize64))
	} else {
		want = binary.LittleEndian.AppendUint64(want, f.CompressedSize64)
		want = binary.LittleEndian.AppendUint64(want, f.UncompressedSize64)
	}
	got := make([]byte, len(want))
	if err := readAt(r, got, end); err != nil {
		return 0, err
	}
	if string(got) != string(want) {
		return 0, errors.New("what follows the file is not what the directory says of it")
	}
	return end + int64(len(want)), nil
}

// onlyExtras reports whether an extra field holds records of these kinds alone: others can give a file another name.
func onlyExtras(extra []byte, kinds ...uint16) bool {
	for len(extra) > 0 {
		if len(extra) < 4 {
			return false
		}
		kind, length := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		known := false
		for _, k := range kinds {
			known = known || k == kind
		}
		if !known || len(extra) < 4+length {
			return false
		}
		extra = extra[4+length:]
	}
	return true
}

// checkEnd sees to it that nothing but the directory, which begins where the last file ends, and the end of the zip file follows.
func checkEnd(r io.ReaderAt, size, at, directory int64, files int) error {
	errEnd := errors.New("there is more in it than its files")
	end := size - endLength
	var last [endLength]byte
	if end < 0 {
		return errEnd
	}
	if err := readAt(r, last[:], end); err != nil {
		return err
	}
	count := uint64(binary.LittleEndian.Uint16(last[10:]))
	length, offset := uint64(binary.LittleEndian.Uint32(last[12:])), uint64(binary.LittleEndian.Uint32(last[16:]))
	if count == math.MaxUint16 || length == math.MaxUint32 || offset == math.MaxUint32 { // all of it stands before
		var large [end64Length + locatorLength]byte
		if end -= int64(len(large)); end < 0 {
			return errEnd
		}
		if err := readAt(r, large[:], end); err != nil {
			return err
		}
		locator := large[end64Length:]
		if binary.LittleEndian.Uint32(large[:]) != end64Signature || binary.LittleEndian.Uint64(large[4:]) != end64Length-12 ||
			binary.LittleEndian.Uint32(locator) != locatorSignature || binary.LittleEndian.Uint64(locator[8:]) != uint64(end) {
			return errEnd
		}
		count, length, offset = binary.LittleEndian.Uint64(large[32:]), binary.LittleEndian.Uint64(large[40:]), binary.LittleEndian.Uint64(large[48:])
	}
	if binary.LittleEndian.Uint32(last[:]) != endSignature || binary.LittleEndian.Uint16(last[20:]) != 0 || count != uint64(files) ||
		length != uint64(directory) || offset != uint64(at) || at+directory != end {
		return errEnd
	}
	return nil
}

// readAt fills p.
func readAt(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	default:
		return err
	}
}
