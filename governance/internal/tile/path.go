// Package tile serves the audit logs over HTTP in the read-only layout of c2sp.org/tlog-tiles, so that clients of transparency logs can mirror and
// check them. Each log lies under its tenant's id.
package tile

import (
	"strconv"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
)

// kind is what a path stands for.
type kind uint8

const (
	kindUnknown kind = iota
	kindCheckpoint
	kindHashes
	kindEntries
)

// String returns the kind's name in metrics.
func (k kind) String() string {
	return [...]string{kindUnknown: "unknown", kindCheckpoint: "checkpoint", kindHashes: "tile", kindEntries: "entries"}[k]
}

const (
	// maxLevel is the largest level that the layout knows.
	maxLevel = 63
	// maxGroups bounds the groups of three digits in an index, so that it fits an int64.
	maxGroups = 6
)

// target is what a path below a log's prefix asks for.
type target struct {
	kind kind
	tile audit.Tile // of kindHashes and kindEntries
}

// full reports whether the target is a full tile, which never changes.
func (t target) full() bool { return t.tile.Width == audit.TileWidth }

// splitPath separates the tenant from the path in its log.
func splitPath(path string) (tenantID, rest string) {
	tenantID, rest, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return tenantID, rest
}

// parsePath reads a path below a log's prefix. A target has one path: anything but it is unknown.
func parsePath(path string) target {
	if path == "checkpoint" {
		return target{kind: kindCheckpoint}
	}
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, found := strings.Cut(rest, "/")
	if !ok || !found {
		return target{}
	}
	t := target{kind: kindEntries}
	if level != "entries" {
		t.kind = kindHashes
		if t.tile.Level, ok = parseNumber(level, maxLevel); !ok {
			return target{}
		}
	}
	t.tile.Width = audit.TileWidth
	index, width, partial := strings.Cut(rest, ".p/")
	if partial {
		if t.tile.Width, ok = parseNumber(width, audit.TileWidth-1); !ok || t.tile.Width == 0 {
			return target{}
		}
	}
	if t.tile.Index, ok = parseIndex(index); !ok {
		return target{}
	}
	return t
}

// parseNumber reads a decimal without sign or leading zeros of at most limit.
func parseNumber(s string, limit int) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err == nil && int(n) <= limit && strconv.FormatUint(n, 10) == s
}

// parseIndex reads an index: its decimal digits in groups of three, padded with zeros in front, each but the last in a directory that begins with
// an x. 1234067 is x001/x234/067.
func parseIndex(s string) (int64, bool) {
	groups := strings.Split(s, "/")
	if len(groups) > maxGroups || len(groups) > 1 && groups[0] == "x000" {
		return 0, false
	}
	var index int64
	for i, group := range groups {
		if i < len(groups)-1 {
			digits, ok := strings.CutPrefix(group, "x")
			if !ok {
				return 0, false
			}
			group = digits
		}
		n, err := strconv.ParseUint(group, 10, 16)
		if err != nil || len(group) != 3 {
			return 0, false
		}
		index = index*1000 + int64(n)
	}
	return index, true
}
