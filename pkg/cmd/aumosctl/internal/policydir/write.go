package policydir

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// Written is what Write did.
type Written struct {
	Files []string // made or changed
	Left  []string // modules that the directory had and the policy has not: they stay, and policy.yaml does not name them any more
}

// ErrDifferent is that a file would change.
var ErrDifferent = errors.New("exists and is different")

// content is what a file is to hold.
type content struct {
	name string
	text []byte
}

// Write makes the directory hold the policy's name, modules, data and cases; the manifest's names of files are those of what is there already, or ours. A
// file that says the same stays as it is, with its comments, and cases stay in the files where they are. Other files are overwritten by force only: without, one
// that would change is ErrDifferent, and nothing is written. The schema of the input, which the platform does not keep, stays.
func (d *Directory) Write(force bool) (*Written, error) {
	old := &Directory{Path: d.Path}
	if Is(d.Path) {
		var err error
		if old, err = Read(d.Path); err != nil {
			return nil, err
		}
	}
	files, err := d.contents(old)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.Path, 0o755); err != nil { // a repository's, for others to read
		return nil, err
	}
	root, err := os.OpenRoot(d.Path) // nothing outside of it is written, whatever the platform names
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if files, err = d.changes(root, files, force); err != nil {
		return nil, err
	}
	w := &Written{Left: d.left(old)}
	for _, f := range files {
		if err := root.MkdirAll(path.Dir(f.name), 0o755); err != nil {
			return nil, fmt.Errorf("%s: %w", d.File(f.name), bare(err))
		}
		if err := root.WriteFile(f.name, f.text, 0o644); err != nil {
			return nil, fmt.Errorf("%s: %w", d.File(f.name), bare(err))
		}
		w.Files = append(w.Files, d.File(f.name))
	}
	return w, nil
}

// changes leaves out the files that are there already.
func (d *Directory) changes(root *os.Root, files []content, force bool) (changes []content, err error) {
	for _, f := range files {
		before, err := root.ReadFile(f.name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("%s: %w", d.File(f.name), bare(err))
		case bytes.Equal(before, f.text):
			continue
		case !force:
			return nil, fmt.Errorf("%s %w", d.File(f.name), ErrDifferent)
		}
		changes = append(changes, f)
	}
	return changes, nil
}

// contents are the files of the policy, but for those of which the directory says the same in other words.
func (d *Directory) contents(old *Directory) (files []content, err error) {
	m := d.Manifest
	m.InputSchema = old.Manifest.InputSchema
	m.Modules = paths(d.Modules)
	if slices.Equal(m.Modules, paths(old.Modules)) {
		m.Modules = old.Manifest.Modules
	}
	for _, module := range d.Modules {
		if path.Clean(module.GetPath()) != module.GetPath() { // reading would call it otherwise, and two may be one file
			return nil, fmt.Errorf("the module's path %q is not a file's: a directory cannot hold this version", module.GetPath())
		}
		files = append(files, content{module.GetPath(), []byte(module.GetSource())})
	}
	if d.Data != nil {
		m.Data = cmp.Or(old.Manifest.Data, "data.json")
		if !proto.Equal(d.Data, old.Data) {
			text, err := formatObject(d.Data, maxData)
			if err != nil {
				return nil, fmt.Errorf("write data document: %w", err)
			}
			files = append(files, content{path.Clean(m.Data), text})
		}
	}
	if len(d.Cases) > 0 || len(old.Cases) > 0 {
		m.Cases = cmp.Or(old.Manifest.Cases, "cases")
		changed, err := d.caseContents(old, path.Join(m.Cases, wordOf(m.Name)+".yaml"))
		if err != nil {
			return nil, err
		}
		files = append(files, changed...)
	}
	manifest, err := formatManifest(m, old.Manifest)
	if err != nil || manifest == nil {
		return files, err
	}
	return append(files, content{ManifestName, manifest}), nil
}

// caseContents are the files of cases that change. Those that stand in no file yet are put into the one of the name given.
func (d *Directory) caseContents(old *Directory, added string) (files []content, err error) {
	rest := make(map[string]*governancev1.PolicyTestSpec, len(d.Cases))
	for _, s := range d.Cases {
		rest[s.GetName()] = s
	}
	lists := slices.Clone(old.caseFiles)
	for i, file := range lists {
		lists[i].specs = nil
		for _, s := range file.specs {
			if now, ok := rest[s.GetName()]; ok {
				lists[i].specs = append(lists[i].specs, now)
				delete(rest, s.GetName())
			}
		}
	}
	if len(rest) > 0 {
		i := slices.IndexFunc(lists, func(f caseFile) bool { return f.name == added })
		if i < 0 {
			i, lists = len(lists), append(lists, caseFile{name: added})
		}
		for _, s := range d.Cases {
			if rest[s.GetName()] != nil {
				lists[i].specs = append(lists[i].specs, s)
			}
		}
	}
	for i, file := range lists {
		if i < len(old.caseFiles) && slices.EqualFunc(file.specs, old.caseFiles[i].specs, sameCase) {
			continue
		}
		text, err := FormatCases(file.specs)
		if err != nil {
			return nil, err
		}
		files = append(files, content{file.name, text})
	}
	return files, nil
}

func sameCase(a, b *governancev1.PolicyTestSpec) bool { return proto.Equal(a, b) }

// formatManifest returns nothing when the manifest says what another does, in whatever words.
func formatManifest(m, other Manifest) ([]byte, error) {
	text, err := yaml.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", ManifestName, err)
	}
	same, err := yaml.Marshal(other)
	if err != nil || bytes.Equal(text, same) {
		return nil, err
	}
	return text, nil
}

func (d *Directory) left(old *Directory) (files []string) {
	for _, name := range paths(old.Modules) {
		if !slices.Contains(paths(d.Modules), name) {
			files = append(files, d.File(name))
		}
	}
	return files
}

func paths(modules []*governancev1.RegoModule) []string {
	names := make([]string, len(modules))
	for i, m := range modules {
		names[i] = m.GetPath()
	}
	return names
}
