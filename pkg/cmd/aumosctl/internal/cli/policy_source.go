package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// maxModule is the contract's limit on one module; longer files are not read.
const maxModule = 256 << 10

// source is what a version is made of, as the command line names it.
type source struct {
	modules []*governancev1.RegoModule
	files   map[string]string // as the user names them, by the paths of the modules
	data    *structpb.Struct
	schema  *structpb.Struct     // of the input
	dir     *policydir.Directory // nil: single files
}

// cases are the directory's.
func (s source) cases() []*governancev1.PolicyTestSpec {
	if s.dir == nil {
		return nil
	}
	return s.dir.Cases
}

// noteElements says what an error means that names modules or test cases by their numbers.
func (s source) noteElements(a *app, err error) {
	a.noteModules(err, s.modules, s.file)
	if s.dir != nil {
		a.noteCases(err, s.dir)
	}
}

// file is what the user calls the module with this path in the version.
func (s source) file(path string) string { return s.files[path] }

var errMixed = errors.New("give either one directory with a policy.yaml, or Rego files")

// readSource reads a policy's directory or Rego files.
func readSource(args []string) (source, error) {
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			continue
		}
		if len(args) > 1 {
			return source{}, errMixed
		}
		dir, err := policydir.Read(arg)
		if err != nil {
			return source{}, err
		}
		s := source{modules: dir.Modules, files: make(map[string]string, len(dir.Modules)), data: dir.Data, schema: dir.InputSchema, dir: dir}
		for _, m := range dir.Modules {
			s.files[m.GetPath()] = dir.File(m.GetPath())
		}
		return s, nil
	}
	modules, err := readModules(args)
	if err != nil {
		return source{}, err
	}
	return source{modules: modules, files: fileNames(modules, args)}, nil
}

// readModules reads the files. Their paths in the version are relative to the deepest directory that holds all of them, so that the content
// does not depend on where it was pushed from.
func readModules(files []string) ([]*governancev1.RegoModule, error) {
	paths := make([]string, len(files))
	var root []string
	for i, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		paths[i] = path
		dirs := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
		if i == 0 {
			root = dirs
			continue
		}
		n := 0
		for n < min(len(root), len(dirs)) && root[n] == dirs[n] {
			n++
		}
		root = root[:n]
	}
	modules := make([]*governancev1.RegoModule, len(files))
	for i, path := range paths {
		source, err := readAtMost(path, maxModule)
		if err != nil {
			return nil, err
		}
		switch {
		case len(source) == 0:
			return nil, fmt.Errorf("%s is empty", path)
		case !utf8.Valid(source):
			return nil, fmt.Errorf("%s is not UTF-8", path)
		}
		name := strings.Join(strings.Split(filepath.ToSlash(path), "/")[len(root):], "/")
		modules[i] = &governancev1.RegoModule{Path: name, Source: string(source)}
	}
	return modules, nil
}

// readAtMost reads a file that must not be longer than limit.
func readAtMost(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d KiB", path, limit>>10)
	}
	return data, nil
}
