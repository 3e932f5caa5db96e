// Package library owns the policies that ship with the platform: their Rego, what parameters and input they take, which requirements they check, and how a
// tenant's parameters become modules of a version. It stores nothing: a policy made from a template is a policy like any other.
package library

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

//go:embed catalogue.json templates
var files embed.FS

// Template is a policy that a tenant can make its own. It is immutable and shared.
type Template struct {
	Name             string // for example "model-promotion"
	Title            string
	Summary          string
	Version          string // semantic: a new major version asks for more, or for something else, than the one before
	DecisionPoint    string // that policies made from it answer unless the tenant says another
	References       []Reference
	ParametersSchema json.RawMessage // JSON Schema, draft 2020-12
	InputSchema      json.RawMessage // the same; documentation, for the policy itself checks its input
	Example          Example         // is allowed
	Modules          []Module        // the entry point first, the tests last, without parameters

	parameters *schema
}

// Module is one Rego source.
type Module struct {
	Path   string
	Source string
}

// Reference is a requirement that a template checks, in our own words.
type Reference struct {
	Control    string // as violations name it, for example "EU-AI-ACT:ART-14"
	Regulation string // the title
	Edition    string
	Source     string // where its text is published
	Paraphrase string
}

// Example is a question that the template's policy answers. Times in it are absolute: Now is when it is asked.
type Example struct {
	Name       string         `json:"name"`
	Now        string         `json:"now"`
	Parameters map[string]any `json:"parameters"`
	Input      map[string]any `json:"input"`
}

// SHA256 identifies the template's content, to tell whether a policy was made from what ships now: a digest over the modules' paths and sources and the schema of
// the parameters, each preceded by its length.
func (t *Template) SHA256() string {
	sum := sha256.New()
	for _, m := range t.Modules {
		fmt.Fprintf(sum, "%d:%s%d:%s", len(m.Path), m.Path, len(m.Source), m.Source)
	}
	fmt.Fprintf(sum, "%d:%s", len(t.ParametersSchema), t.ParametersSchema)
	return hex.EncodeToString(sum.Sum(nil))
}

// Templates returns the library, by name.
func Templates() []*Template { return slices.Clone(shared()) }

// Controls names the requirements that the template checks.
func (t *Template) Controls() []string {
	controls := make([]string, len(t.References))
	for i, r := range t.References {
		controls[i] = r.Control
	}
	return controls
}

// Find returns a template.
func Find(name string) (*Template, error) {
	i, ok := slices.BinarySearchFunc(shared(), name, func(t *Template, name string) int { return strings.Compare(t.Name, name) })
	if !ok {
		return nil, errs.ResourceNotFound("policy template", name)
	}
	return shared()[i], nil
}

// shared panics on a damaged library: what is embedded does not change after the tests have seen it.
var shared = sync.OnceValue(func() []*Template { //nolint:gochecknoglobals // derived from embedded files
	templates, err := load(files)
	if err != nil {
		panic(fmt.Sprintf("load embedded policy library: %v", err))
	}
	return templates
})

// Names of the modules of a version.
const (
	entryPath      = "policy.rego"
	parametersPath = "params.rego"
	evidencePath   = "evidence.rego"
)

func load(files fs.FS) ([]*Template, error) {
	catalogue, err := loadCatalogue(files)
	if err != nil {
		return nil, err
	}
	evidence, err := fs.ReadFile(files, "templates/"+evidencePath)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(files, "templates")
	if err != nil {
		return nil, err
	}
	var templates []*Template
	for _, entry := range entries { // sorted by name
		if !entry.IsDir() {
			continue
		}
		t, err := loadTemplate(files, entry.Name(), catalogue)
		if err != nil {
			return nil, fmt.Errorf("load template %s: %w", entry.Name(), err)
		}
		tests, err := testsModule(t)
		if err != nil {
			return nil, fmt.Errorf("make tests of template %s: %w", entry.Name(), err)
		}
		t.Modules = append(t.Modules, Module{Path: evidencePath, Source: string(evidence)}, tests)
		templates = append(templates, t)
	}
	return templates, nil
}

func loadTemplate(files fs.FS, name string, catalogue map[string]Reference) (*Template, error) {
	dir := path.Join("templates", name)
	var about struct {
		Title         string   `json:"title"`
		Summary       string   `json:"summary"`
		DecisionPoint string   `json:"decision_point"`
		Version       string   `json:"version"`
		References    []string `json:"references"`
	}
	if err := readJSON(files, path.Join(dir, "template.json"), &about); err != nil {
		return nil, err
	}
	t := &Template{Name: name, Title: about.Title, Summary: about.Summary, Version: about.Version, DecisionPoint: about.DecisionPoint}
	for _, control := range about.References {
		reference, ok := catalogue[control]
		if !ok {
			return nil, fmt.Errorf("the catalogue has no %s", control)
		}
		t.References = append(t.References, reference)
	}
	policy, err := fs.ReadFile(files, path.Join(dir, entryPath))
	if err != nil {
		return nil, err
	}
	t.Modules = []Module{{Path: entryPath, Source: string(policy)}}
	if t.ParametersSchema, err = readCompact(files, path.Join(dir, "parameters.schema.json")); err != nil {
		return nil, err
	}
	if t.parameters, err = parseSchema(t.ParametersSchema); err != nil {
		return nil, fmt.Errorf("schema of the parameters: %w", err)
	}
	if t.InputSchema, err = loadInputSchema(files, dir); err != nil {
		return nil, err
	}
	return t, readJSON(files, path.Join(dir, "example.json"), &t.Example)
}

// loadInputSchema adds the definition of evidence, which all inputs share.
func loadInputSchema(files fs.FS, dir string) (json.RawMessage, error) {
	var document map[string]any
	if err := readJSON(files, path.Join(dir, "input.schema.json"), &document); err != nil {
		return nil, err
	}
	var evidence any
	if err := readJSON(files, "templates/evidence.schema.json", &evidence); err != nil {
		return nil, err
	}
	document["$defs"] = map[string]any{"evidence": evidence}
	return json.Marshal(document)
}

func readJSON(files fs.FS, name string, v any) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func readCompact(files fs.FS, name string) (json.RawMessage, error) {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b.Bytes(), nil
}
