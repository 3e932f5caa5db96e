package library_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/governance/internal/library"
)

// The dearest answers are those about complete inputs: an evaluation has 200 ms.
func BenchmarkEvaluate(b *testing.B) {
	for _, template := range library.Templates() {
		b.Run(template.Name, func(b *testing.B) {
			a := newAsker(b, instance(b, template, template.Example.Parameters))
			for b.Loop() {
				a.ask(template.Example.Input)
			}
		})
	}
}
