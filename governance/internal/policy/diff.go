package policy

import (
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

// CompareModules returns the modules whose texts differ, by path.
func CompareModules(from, to []Module) []ModuleChange {
	sources := func(modules []Module) map[string]string {
		byPath := make(map[string]string, len(modules))
		for _, m := range modules {
			byPath[m.Path] = m.Source
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
