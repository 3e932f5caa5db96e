package e2e_test

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPackages holds the tables of packages in ARCHITECTURE.md to the tree: each package is named, by the end of its path, and nothing else is.
func TestPackages(t *testing.T) {
	t.Parallel()
	packages := packageDirs(t)
	isNamed := map[string]bool{}
	inTable := false
	for line := range strings.Lines(readDocument(t, "../ARCHITECTURE.md")) {
		cells := strings.Split(line, " | ")
		inTable = strings.HasPrefix(line, "|") && (inTable || strings.HasSuffix(line, "| what it owns |\n"))
		if !inTable || strings.HasSuffix(line, "| what it owns |\n") {
			continue
		}
		for _, name := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cells[0], -1) {
			known := strings.HasSuffix(name[1], "/") // says where the others are
			for _, dir := range packages {
				if strings.HasSuffix("/"+dir, "/"+name[1]) {
					known, isNamed[dir] = true, true
				}
			}
			if !known {
				t.Errorf("ARCHITECTURE.md names the package %s, which is not there", name[1])
			}
		}
	}
	for _, dir := range packages {
		if !isNamed[dir] {
			t.Errorf("ARCHITECTURE.md does not say what %s owns", dir)
		}
	}
}

// packageDirs returns where the packages are that somebody has to be told about: not the services' entry and wiring, which the layout names, nor generated code.
func packageDirs(t *testing.T) (dirs []string) {
	t.Helper()
	for _, module := range []string{"pkg", "governance", "drift", "e2e"} {
		err := filepath.WalkDir(filepath.Join("..", module), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{"gen", "testdata"}, d.Name()):
				return filepath.SkipDir
			case filepath.Ext(path) != ".go":
				return nil
			}
			dir, err := filepath.Rel("..", filepath.Dir(path))
			dir = filepath.ToSlash(dir)
			wiring := regexp.MustCompile(`^(e2e|(governance|drift)/(server|cmd/\w+))$`).MatchString(dir)
			if !wiring && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(dirs) < 50 {
		t.Fatalf("found packages %v", dirs)
	}
	return dirs
}
