// Package policydir reads and writes a policy as people keep it in a git repository: a directory with policy.yaml, Rego files, a data document, a JSON Schema of
// the input and test cases.
package policydir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// ManifestName is the file that makes a directory a policy's.
const ManifestName = "policy.yaml"

// The contract's limits, so that a wrong path in a manifest does not make us read a database.
const (
	maxManifest = 256 << 10
	maxModule   = 256 << 10
	maxSchema   = 256 << 10
	maxData     = 1 << 20 // 256 KiB as canonical JSON
	maxCases    = 16 << 20
)

// Manifest is policy.yaml. Files are named relative to it and lie below it.
type Manifest struct {
	Name                 string            `yaml:"name"`
	Description          string            `yaml:"description,omitempty"`
	Labels               map[string]string `yaml:"labels,omitempty,flow"`
	DecisionPoints       []string          `yaml:"decision_points,omitempty,flow"`
	RegulationReferences []string          `yaml:"regulation_references,omitempty,flow"`
	MinCoveragePercent   int32             `yaml:"min_coverage_percent,omitempty"`
	Modules              []string          `yaml:"modules,omitempty,flow"` // the first one's package is the entry point; none: main.rego, then every other .rego file
	Data                 string            `yaml:"data,omitempty"`         // a JSON or YAML file; empty: none
	InputSchema          string            `yaml:"input_schema,omitempty"` // a JSON or YAML file; empty: none
	Cases                string            `yaml:"cases,omitempty"`        // a directory of YAML files; empty: none
}

// Directory is a policy's directory with the content of all its files.
type Directory struct {
	Path        string // as it was given
	Manifest    Manifest
	Modules     []*governancev1.RegoModule     // in order, with paths relative to the directory
	Data        *structpb.Struct               // nil: none
	InputSchema *structpb.Struct               // nil: none
	Cases       []*governancev1.PolicyTestSpec // by file and place

	caseFiles []caseFile
}

// caseFile is a file of cases.
type caseFile struct {
	name  string
	specs []*governancev1.PolicyTestSpec
}

// File returns the path of one of the directory's files as the user would name it.
func (d *Directory) File(name string) string { return filepath.Join(d.Path, filepath.FromSlash(name)) }

// Is reports whether the path is a directory with a manifest.
func Is(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, ManifestName))
	return err == nil && info.Mode().IsRegular()
}

// Read reads a policy's directory. Errors name the file, and the line where there is one.
func Read(dir string) (*Directory, error) {
	root, err := os.OpenRoot(dir) // nothing outside of it is read, whatever the manifest names
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	r := reader{root.FS(), &Directory{Path: dir}}
	for _, read := range []func() error{r.manifest, r.modules, r.data, r.inputSchema, r.cases} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return r.Directory, nil
}

type reader struct {
	fs fs.FS
	*Directory
}

// file reads a file that must not be longer than limit.
func (r reader) file(name string, limit int64) ([]byte, error) {
	file, err := r.fs.Open(path.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File(name), bare(err))
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File(name), bare(err))
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d KiB", r.File(name), limit>>10)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%s is not UTF-8", r.File(name))
	}
	return data, nil
}

// bare leaves out the path, which is relative to the directory.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (r reader) manifest() error {
	data, err := r.file(ManifestName, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is no policy's directory, since it has no %s: aumosctl policy init makes one", r.Path, ManifestName)
	}
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true) // a misspelt key would be left out silently
	if err := decoder.Decode(&r.Manifest); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", r.File(ManifestName), err)
	}
	if r.Manifest.Name == "" {
		return fmt.Errorf("%s: name is missing", r.File(ManifestName))
	}
	return nil
}

func (r reader) modules() error {
	paths := r.Manifest.Modules
	if len(paths) == 0 {
		var err error
		if paths, err = r.allModules(); err != nil {
			return err
		}
	}
	for _, name := range paths {
		source, err := r.file(name, maxModule)
		if err != nil {
			return err
		}
		if len(source) == 0 {
			return fmt.Errorf("%s is empty", r.File(name))
		}
		r.Modules = append(r.Modules, &governancev1.RegoModule{Path: path.Clean(name), Source: string(source)})
	}
	return nil
}

// allModules returns main.rego, and then all other modules by path.
func (r reader) allModules() ([]string, error) {
	var paths []string
	err := fs.WalkDir(r.fs, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."): // a repository's own
			return fs.SkipDir
		case entry.Type().IsRegular() && strings.HasSuffix(name, ".rego") && name != mainModule:
			paths = append(paths, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Path, err)
	}
	if _, err := fs.Stat(r.fs, mainModule); err != nil {
		return nil, fmt.Errorf("%s has no %s: write it, or name the modules in %s, the one that decisions ask first", r.Path, mainModule, ManifestName)
	}
	return slices.Concat([]string{mainModule}, paths), nil
}

const mainModule = "main.rego"

func (r reader) data() (err error) {
	r.Data, err = r.object(r.Manifest.Data, maxData)
	return err
}

func (r reader) inputSchema() (err error) {
	r.InputSchema, err = r.object(r.Manifest.InputSchema, maxSchema)
	return err
}

// object reads a JSON or YAML file with an object, by its name; no name is no object.
func (r reader) object(name string, limit int64) (*structpb.Struct, error) {
	if name == "" {
		return nil, nil // none is an answer
	}
	data, err := r.file(name, limit)
	if err != nil {
		return nil, err
	}
	var object *structpb.Struct
	if path.Ext(name) == ".json" {
		object, err = jsonObject(data)
	} else {
		var node yaml.Node
		if err := yaml.Unmarshal(data, &node); err != nil {
			return nil, fmt.Errorf("%s: %w", r.File(name), err)
		}
		object, err = objectOf(&node)
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%w", r.File(name), err)
	}
	return object, nil
}
