package interceptor

import "buf.build/go/protovalidate"

// patterns says in words what the contract's patterns ask for: a caller of governance need not read regular expressions.
var patterns = map[string]string{ //nolint:gochecknoglobals // a constant table
	`^[a-z][a-z0-9_]*$`:                                      `must be a lower-case word: letters, digits and "_", first a letter, for example "model_version"`,
	`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`:                  `must be two or more lower-case words with dots between them, for example "loan.approve"`,
	`^([a-z][a-z0-9_.]*)?$`:                                  `must be lower-case words with dots between them, for example "drift.detection", or the beginning of some, for example "drift."`,
	`^[a-z0-9]+(-[a-z0-9]+)*$`:                               `must be lower-case words with hyphens between them, for example "data-residency"`,
	`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`:                          `must be letters, digits, spaces, ".", "_" and "-", first a letter or digit, for example "loan limits"`,
	`^([A-Za-z0-9][A-Za-z0-9 ._-]*)?$`:                       `must be letters, digits, spaces, ".", "_" and "-", first a letter or digit, for example "loan limits"`,
	`^[A-Za-z0-9][A-Za-z0-9 ._:/-]*$`:                        `must be letters, digits, spaces, ".", "_", ":", "/" and "-", first a letter or digit, for example "amounts/at the limit"`,
	`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`:                         `must be letters, digits, ".", "_", ":", "/" and "-", first a letter or digit, for example "shop/eu-1"`,
	`^[a-z0-9][a-z0-9._-]*$`:                                 `must be lower-case letters, digits, ".", "_" and "-", first a letter or digit, for example "limits"`,
	`^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$`:                `must be 1 to 63 lower-case letters, digits, ".", "_", "/" and "-", first and last a letter or digit, for example "cost-center"`,
	`^[A-Z0-9][A-Za-z0-9._-]*:[A-Za-z0-9][A-Za-z0-9.()_-]*$`: `must be a regulation and one of its articles or controls with ":" between them, for example "EU-AI-ACT:ART-14"`,
	`^[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*\.rego$`:   `must be a relative path that ends in ".rego", its parts letters, digits, "_" and "-", for example "loans/limits.rego"`,
}

// described is what the field's owner reads of a broken rule.
func described(v *protovalidate.Violation) string {
	if v.RuleDescriptor != nil && v.RuleDescriptor.Name() == "pattern" {
		if words, ok := patterns[v.RuleValue.String()]; ok {
			return words
		}
	}
	return v.Proto.GetMessage()
}
