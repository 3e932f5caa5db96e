package policy

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aumos-enterprise/platform/governance/internal/textdiff"
)

// maxDiff bounds the texts of all changes between two versions together.
const maxDiff = 1 << 20

// ModuleChange is a module whose text differs.
type ModuleChange struct {
	Path      string
	Old, New  bool   // whether the versions have it
	Diff      string // in the unified format
	Truncated bool   // whether Diff was cut, since all together are too long
}

// CompareTexts returns the modules whose texts differ, by path. The data document takes part as data.json, a line for each value.
func CompareTexts(from, to Version) []ModuleChange {
	sources := func(v Version) map[string]string {
		byPath := make(map[string]string, len(v.Modules)+1)
		for _, m := range v.Modules {
			byPath[m.Path] = m.Source
		}
		if v.Data != nil {
			byPath[DataPath] = indent(v.Data)
		}
		return byPath
	}
	olds, news := sources(from), sources(to)
	paths := maps.Clone(olds)
	maps.Copy(paths, news)
	var changes []ModuleChange
	room := maxDiff
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		c := ModuleChange{Path: path}
		var oldSource, newSource, oldName, newName string
		if oldSource, c.Old = olds[path]; c.Old {
			oldName = "a/" + path
		}
		if newSource, c.New = news[path]; c.New {
			newName = "b/" + path
		}
		if c.Old && c.New && oldSource == newSource {
			continue
		}
		c.Diff, c.Truncated = textdiff.Unified(oldName, newName, oldSource, newSource, room)
		room -= len(c.Diff)
		changes = append(changes, c)
	}
	return changes
}

// indent gives people lines to compare. What is not JSON stays as it is: a version's data always is.
func indent(data []byte) string {
	var text bytes.Buffer
	if err := json.Indent(&text, data, "", "  "); err != nil {
		return string(data)
	}
	return text.String() + "\n"
}
