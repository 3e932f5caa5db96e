package tile

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
)

// pathOf writes the one path of a target, through package tlog's.
func pathOf(t target) string {
	level := t.tile.Level
	switch t.kind {
	case kindCheckpoint:
		return "checkpoint"
	case kindEntries:
		level = -1 // package tlog's level of data
	case kindHashes, kindUnknown:
	}
	path := tlog.Tile{H: audit.TileHeight, L: level, N: t.tile.Index, W: t.tile.Width}.Path()
	path = strings.TrimPrefix(path, "tile/"+strconv.Itoa(audit.TileHeight)+"/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "tile/" + path
}

func TestParsePath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]target{
		"checkpoint":                                {kind: kindCheckpoint},
		"tile/0/000":                                {kindHashes, audit.Tile{Width: 256}},
		"tile/0/000.p/1":                            {kindHashes, audit.Tile{Width: 1}},
		"tile/0/999.p/255":                          {kindHashes, audit.Tile{Index: 999, Width: 255}},
		"tile/63/x001/000":                          {kindHashes, audit.Tile{Level: 63, Index: 1000, Width: 256}},
		"tile/1/x001/x234/067.p/9":                  {kindHashes, audit.Tile{Level: 1, Index: 1234067, Width: 9}},
		"tile/entries/x001/x234/067":                {kindEntries, audit.Tile{Index: 1234067, Width: 256}},
		"tile/entries/x999/x999/x999/x999/x999/999": {kindEntries, audit.Tile{Index: 999_999_999_999_999_999, Width: 256}},
		"":                       {},
		"tile/64/000":            {},
		"tile/0/x000/001":        {},
		"tile/0/x1/001":          {},
		"tile/0/001/001":         {},
		"tile/0/x001":            {},
		"tile/0/001.p/256":       {},
		"tile/0/001.p/0":         {},
		"tile/0/001.p/01":        {},
		"tile/entries/000.p/1/1": {},
		"tile/8/data/000":        {},
	} {
		if got := parsePath(path); got != want {
			t.Errorf("parsePath(%q) = %+v, want %+v", path, got, want)
		}
	}
}

// A path that is understood is the only one of its target, and what package tlog understands by it.
func FuzzParsePath(f *testing.F) {
	for _, path := range []string{
		"checkpoint", "tile/0/000", "tile/63/x001/x234/067.p/255", "tile/entries/x001/000.p/1", "tile/00/000", "tile/0/x000/000", "tile/0/000.p/256", "tile/0/000.p/",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := parsePath(path)
		if got.kind == kindUnknown {
			if got != (target{}) {
				t.Errorf("parsePath(%q) = %+v", path, got)
			}
			return
		}
		if again := pathOf(got); again != path {
			t.Errorf("parsePath(%q) = %+v, whose path is %q", path, got, again)
		}
		if got.kind == kindCheckpoint {
			return
		}
		if got.tile.Width < 1 || got.tile.Width > audit.TileWidth || got.tile.Level < 0 || got.tile.Level > maxLevel || got.tile.Index < 0 {
			t.Errorf("parsePath(%q) = %+v", path, got)
		}
	})
}

// Everything that package tlog writes is understood.
func FuzzPathsOfTlog(f *testing.F) {
	f.Add(int64(0), 0, 256)
	f.Add(int64(1234067), 63, 1)
	f.Fuzz(func(t *testing.T, index int64, level, width int) {
		if index < 0 || index > 999_999_999_999_999_999 || level < 0 || level > maxLevel || width < 1 || width > audit.TileWidth {
			return
		}
		for _, want := range []target{
			{kindHashes, audit.Tile{Level: level, Index: index, Width: width}}, {kindEntries, audit.Tile{Index: index, Width: width}},
		} {
			if got := parsePath(pathOf(want)); got != want {
				t.Errorf("parsePath(%q) = %+v, want %+v", pathOf(want), got, want)
			}
		}
	})
}
