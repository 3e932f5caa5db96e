package policydir

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/timestamppb"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// testCase is a case as its file has it: PolicyTestSpec with shorter names.
type testCase struct {
	Name           string    `yaml:"name"`
	Tags           []string  `yaml:"tags,omitempty,flow"`
	Input          yaml.Node `yaml:"input"`
	Data           yaml.Node `yaml:"data,omitempty"`
	Now            string    `yaml:"now,omitempty"`
	Expect         string    `yaml:"expect"`
	Violations     []string  `yaml:"violations,omitempty,flow"`
	AnyViolations  bool      `yaml:"any_violations,omitempty"`
	Obligations    []string  `yaml:"obligations,omitempty,flow"`
	AnyObligations bool      `yaml:"any_obligations,omitempty"`
}

// outcomes are the words for what is expected.
var outcomes = map[string]governancev1.DecisionOutcome{ //nolint:gochecknoglobals // a constant table
	"ALLOW": governancev1.DecisionOutcome_DECISION_OUTCOME_ALLOW,
	"DENY":  governancev1.DecisionOutcome_DECISION_OUTCOME_DENY,
	"ERROR": governancev1.DecisionOutcome_DECISION_OUTCOME_ERROR,
}

// cases reads all YAML files of the directory of cases, by name. Each holds a list.
func (r reader) cases() error {
	if r.Manifest.Cases == "" {
		return nil
	}
	entries, err := fs.ReadDir(r.fs, path.Clean(r.Manifest.Cases))
	if err != nil {
		return fmt.Errorf("%s: %w", r.File(r.Manifest.Cases), bare(err))
	}
	seen := make(map[string]string)
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !slices.Contains([]string{".yaml", ".yml"}, path.Ext(entry.Name())) {
			continue
		}
		name := path.Join(r.Manifest.Cases, entry.Name())
		data, err := r.file(name, maxCases)
		if err != nil {
			return err
		}
		specs, err := ParseCases(data)
		if err != nil {
			return fmt.Errorf("%s:%w", r.File(name), err)
		}
		for _, spec := range specs {
			if other, ok := seen[spec.GetName()]; ok {
				return fmt.Errorf("%s: the case %q is also in %s", r.File(name), spec.GetName(), other)
			}
			seen[spec.GetName()] = r.File(name)
		}
		r.Cases = append(r.Cases, specs...)
		r.caseFiles = append(r.caseFiles, caseFile{name, specs})
	}
	return nil
}

// CaseFile returns the path of the file in which the case at an index of Cases stands, as the user would name it.
func (d *Directory) CaseFile(i int) string {
	for _, file := range d.caseFiles {
		if i < len(file.specs) {
			return d.File(file.name)
		}
		i -= len(file.specs)
	}
	return ""
}

// ParseCases reads a file of cases. Errors begin with the line.
func ParseCases(data []byte) ([]*governancev1.PolicyTestSpec, error) {
	var nodes []yaml.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		return nil, fmt.Errorf(" %w", err)
	}
	specs := make([]*governancev1.PolicyTestSpec, len(nodes))
	for i := range nodes {
		c, err := caseOf(&nodes[i])
		if err != nil {
			return nil, err
		}
		if specs[i], err = c.spec(&nodes[i]); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// caseOf decodes a node strictly. Nodes cannot be decoded so, texts can; an error then says the line within the case, so ours is put before it.
func caseOf(node *yaml.Node) (c testCase, err error) {
	text, err := yaml.Marshal(node)
	if err != nil {
		return c, atLine(node, "%v", err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, atLine(node, "in this case: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	// The nodes of the values, with their lines in the file.
	for i := 0; i+1 < len(node.Content); i += 2 {
		switch node.Content[i].Value {
		case "input":
			c.Input = *node.Content[i+1]
		case "data":
			c.Data = *node.Content[i+1]
		}
	}
	return c, nil
}

func (c testCase) spec(at *yaml.Node) (*governancev1.PolicyTestSpec, error) {
	s := &governancev1.PolicyTestSpec{
		Name: c.Name, Tags: c.Tags, ExpectedOutcome: outcomes[c.Expect], ExpectedViolations: c.Violations, AnyViolations: c.AnyViolations,
		ExpectedObligations: c.Obligations, AnyObligations: c.AnyObligations,
	}
	switch {
	case c.Name == "":
		return nil, atLine(at, "the case has no name")
	case s.GetExpectedOutcome() == 0:
		return nil, atLine(at, "the case %q must expect ALLOW, DENY or ERROR, not %q", c.Name, c.Expect)
	case c.Input.Kind == 0:
		return nil, atLine(at, "the case %q has no input", c.Name)
	}
	var err error
	if s.Input, err = objectOf(&c.Input); err != nil {
		return nil, err
	}
	if c.Data.Kind != 0 {
		if s.Data, err = objectOf(&c.Data); err != nil {
			return nil, err
		}
	}
	if c.Now != "" {
		now, err := time.Parse(time.RFC3339Nano, c.Now)
		if err != nil {
			return nil, atLine(at, "the case %q has the time %q, which is not like 2026-01-31T09:00:00Z", c.Name, c.Now)
		}
		s.Now = timestamppb.New(now)
	}
	return s, nil
}

// FormatCases is the inverse of ParseCases. Values stand on one line each when the file were too long for reading otherwise.
func FormatCases(specs []*governancev1.PolicyTestSpec) ([]byte, error) {
	text, err := formatCases(specs, 0)
	if err == nil && len(text) > maxCases {
		text, err = formatCases(specs, yaml.FlowStyle)
	}
	return text, err
}

func formatCases(specs []*governancev1.PolicyTestSpec, style yaml.Style) ([]byte, error) {
	cases := make([]testCase, len(specs))
	for i, s := range specs {
		c := testCase{
			Name: s.GetName(), Tags: s.GetTags(), Violations: s.GetExpectedViolations(), AnyViolations: s.GetAnyViolations(),
			Obligations: s.GetExpectedObligations(), AnyObligations: s.GetAnyObligations(),
			Expect: strings.TrimPrefix(s.GetExpectedOutcome().String(), "DECISION_OUTCOME_"), Input: *objectNode(s.GetInput(), style),
		}
		if s.GetData() != nil {
			c.Data = *objectNode(s.GetData(), style)
		}
		if s.GetNow() != nil {
			c.Now = s.GetNow().AsTime().Format(time.RFC3339Nano)
		}
		cases[i] = c
	}
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(cases); err != nil {
		return nil, fmt.Errorf("write cases: %w", err)
	}
	return text.Bytes(), encoder.Close()
}
