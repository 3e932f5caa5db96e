package api

import (
	"encoding/hex"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/governance/internal/library"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// templateSummary is a template as lists show it.
func templateSummary(t *library.Template) *governancev1.PolicyTemplate {
	digest, _ := hex.DecodeString(t.SHA256()) // hexadecimal by its making
	m := &governancev1.PolicyTemplate{
		Name: t.Name, Title: t.Title, Summary: t.Summary, Version: t.Version, ContentSha256: digest, DecisionPoints: []string{t.DecisionPoint},
	}
	for _, r := range t.References {
		m.References = append(m.References, &governancev1.PolicyReference{
			Control: r.Control, Regulation: r.Regulation, Edition: r.Edition, Paraphrase: r.Paraphrase, SourceUri: r.Source,
		})
	}
	return m
}

func templateMessage(t *library.Template) (*governancev1.PolicyTemplate, error) {
	m := templateSummary(t)
	m.ParametersSchema, m.InputSchema = new(structpb.Struct), new(structpb.Struct)
	if err := m.GetParametersSchema().UnmarshalJSON(t.ParametersSchema); err != nil {
		return nil, fmt.Errorf("convert schema of parameters: %w", err)
	}
	if err := m.GetInputSchema().UnmarshalJSON(t.InputSchema); err != nil {
		return nil, fmt.Errorf("convert schema of input: %w", err)
	}
	var err error
	if m.ExampleParameters, err = structpb.NewStruct(t.Example.Parameters); err != nil {
		return nil, fmt.Errorf("convert example: %w", err)
	}
	if m.ExampleInput, err = structpb.NewStruct(t.Example.Input); err != nil {
		return nil, fmt.Errorf("convert example: %w", err)
	}
	now, err := time.Parse(time.RFC3339, t.Example.Now)
	if err != nil {
		return nil, fmt.Errorf("convert example: %w", err)
	}
	m.ExampleTime = timestamppb.New(now)
	for _, module := range t.Modules {
		m.Modules = append(m.Modules, &governancev1.RegoModule{Path: module.Path, Source: module.Source})
	}
	return m, nil
}
