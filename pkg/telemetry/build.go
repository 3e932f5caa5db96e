package telemetry

import (
	"runtime"
	"runtime/debug"
)

// Build says which program runs.
type Build struct {
	Version  string // the module's version; "(devel)" when built from a working tree
	Revision string // the commit, with "+dirty" when the working tree had changes; "unknown" outside a repository
	Go       string
}

// ReadBuild returns what the Go toolchain recorded in the running program.
func ReadBuild() Build {
	b := Build{Version: "unknown", Revision: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	var dirty bool
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if dirty {
		b.Revision += "+dirty"
	}
	return b
}
