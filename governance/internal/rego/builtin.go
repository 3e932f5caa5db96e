package rego

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// rule says what the profile does with one builtin function.
type rule struct {
	refused string // why the builtin is left out; empty if it is allowed
	guard   guard  // looks at the operands before each call; nil where the cost cannot exceed that of having made the operands
}

// Reasons for which builtins are left out.
const (
	reachesOut  = "reaches out of the process: a policy is a function of its input, the time and a seed"
	tellsOnHost = "tells about the process or its other modules"
	unbounded   = "its cost is not bounded by the size of its operands and no cheap look at them bounds it"
	takesKeys   = "handles private keys, which have no place in a policy"
	bigParser   = "a large parser of untrusted data without use in decisions"
	multiplies  = "its output is a product of its operands"
	deprecated  = "deprecated, and refused by Rego v1"
	ofCompiler  = "for the compiler and the test runner only"
	noMetadata  = "annotations are not processed"
	pastNetwork = "superseded or quadratic; the cidr functions that remain cover the use"
)

func free() rule                 { return rule{} }
func guarded(g guard) rule       { return rule{guard: g} }
func refuse(because string) rule { return rule{refused: because} }
func allowed(r rule) bool        { return r.refused == "" }

// guardedName is the operator of the guarded form of a builtin. No module can name it: an identifier cannot contain a colon.
func guardedName(name string) string { return "guarded:" + name }

// profile decides about every builtin function of the engine. A test fails when the engine has one that is not listed, so that an
// upgrade cannot widen what policies may do.
var profile = map[string]rule{ //nolint:gochecknoglobals // a constant table
	// Comparison and assignment: bounded by the limits on values.
	"assign": free(), "eq": free(), "equal": free(), "neq": free(), "lt": free(), "lte": free(), "gt": free(), "gte": free(),
	"internal.member_2": free(), "internal.member_3": free(),

	// Numbers: exact, so cheap only while they are short.
	"plus": guarded(light), "minus": guarded(light), "mul": guarded(light), "div": guarded(light), "rem": guarded(light),
	"abs": guarded(light), "ceil": guarded(light), "floor": guarded(light), "round": guarded(light), "format_int": guarded(light),
	"bits.and": guarded(light), "bits.or": guarded(light), "bits.xor": guarded(light), "bits.negate": guarded(light), "bits.rsh": guarded(light),
	"bits.lsh":      refuse(unbounded), // bits.lsh(1, 1e8) runs for more than 40 s
	"numbers.range": guarded(shortRange), "numbers.range_step": guarded(shortRange),
	"rand.intn":   free(), // drawn from the seed of the decision
	"to_number":   guarded(shortNumber),
	"units.parse": guarded(shortNumber), "units.parse_bytes": guarded(shortNumber),

	// Aggregates.
	"count": free(), "max": guarded(light), "min": guarded(light), "sort": guarded(light), "sum": guarded(light),
	"product": refuse(unbounded), // 200,000 factors of 22 digits run for more than 25 s
	"all":     refuse(deprecated), "any": refuse(deprecated),

	// Arrays, sets, objects.
	"array.concat": guarded(light), "array.flatten": guarded(light), "array.reverse": guarded(light), "array.slice": free(),
	"and": guarded(light), "or": guarded(light), "intersection": guarded(light), "union": guarded(light),
	"object.get": free(), "object.keys": guarded(light), "object.filter": guarded(light), "object.remove": guarded(light),
	"object.union": guarded(light), "object.union_n": guarded(light), "object.subset": guarded(shortSearch),
	"walk":                  guarded(light),
	"graph.reachable":       refuse(unbounded), // walks a graph without looking for cancellation
	"graph.reachable_paths": refuse(unbounded), // 2^17 paths through 34 nodes: 4.4 s and 1.3 GB
	"set_diff":              refuse(deprecated),

	// Types.
	"is_array": free(), "is_boolean": free(), "is_null": free(), "is_number": free(), "is_object": free(), "is_set": free(), "is_string": free(),
	"type_name":  free(),
	"cast_array": refuse(deprecated), "cast_boolean": refuse(deprecated), "cast_null": refuse(deprecated), "cast_object": refuse(deprecated),
	"cast_set": refuse(deprecated), "cast_string": refuse(deprecated),

	// Strings.
	"concat": guarded(shortJoin), "contains": free(), "startswith": free(), "endswith": free(), "indexof": guarded(shortSearch),
	"lower": guarded(light), "upper": guarded(light), "replace": guarded(shortReplace), "split": guarded(shortSplit), "sprintf": guarded(shortFormat),
	"substring": guarded(light), "strings.any_prefix_match": guarded(light), "strings.any_suffix_match": guarded(light),
	"strings.count": guarded(light), "strings.replace_n": guarded(shortReplaceN), "strings.reverse": guarded(light), "strings.split_n": guarded(shortSplit),
	"trim": guarded(shortTrim), "trim_left": guarded(shortTrim), "trim_right": guarded(shortTrim), "trim_prefix": guarded(light),
	"trim_suffix": guarded(light), "trim_space": guarded(light), "internal.template_string": guarded(light),
	"indexof_n":               refuse(unbounded), // one result for each overlapping match
	"strings.render_template": refuse(unbounded), // nested ranges of a Go template
	"glob.match":              guarded(shortGlob), "glob.quote_meta": guarded(light),

	// Regular expressions: linear in program times text, so both are bounded together.
	"regex.is_valid": guarded(shortRegex(0, -1)), "regex.match": guarded(shortRegex(0, 1)), "regex.split": guarded(shortRegex(0, 1)),
	"regex.replace":                    guarded(shortRegexReplace),
	"regex.find_n":                     refuse(unbounded), // "a|b" over 20 MB: 6 s and 2.9 GB
	"regex.find_all_string_submatch_n": refuse(unbounded),
	"regex.globs_match":                refuse(unbounded), // intersects two patterns
	"regex.template_match":             refuse(bigParser),
	"re_match":                         refuse(deprecated),

	// Encodings and digests: linear.
	"base64.decode": guarded(light), "base64.encode": guarded(light), "base64.is_valid": guarded(light),
	"base64url.decode": guarded(light), "base64url.encode": guarded(light), "base64url.encode_no_pad": guarded(light),
	"hex.decode": guarded(light), "hex.encode": guarded(light),
	"json.is_valid": guarded(light), "json.marshal": guarded(light), "json.unmarshal": guarded(light),
	"json.filter": guarded(light), "json.remove": guarded(light),
	"json.marshal_with_options": refuse(multiplies), // a prefix for each line
	"json.patch":                refuse(unbounded),  // 20,000 additions: 16.6 s and 6.5 GB
	"json.match_schema":         refuse(reachesOut), // a remote $ref is fetched
	"json.verify_schema":        refuse(reachesOut),
	"uri.is_valid":              guarded(light), "uri.parse": guarded(light),
	"urlquery.decode": guarded(light), "urlquery.decode_object": guarded(light), "urlquery.encode": guarded(light), "urlquery.encode_object": guarded(light),
	"yaml.is_valid": refuse(bigParser), "yaml.marshal": refuse(bigParser), "yaml.unmarshal": refuse(bigParser), // aliases multiply
	"uuid.parse": guarded(light), "uuid.rfc4122": free(), // drawn from the seed of the decision
	"semver.compare": guarded(light), "semver.is_valid": guarded(light),
	"crypto.md5": guarded(light), "crypto.sha1": guarded(light), "crypto.sha256": guarded(light), "crypto.hmac.equal": guarded(light),
	"crypto.hmac.md5": guarded(light), "crypto.hmac.sha1": guarded(light), "crypto.hmac.sha256": guarded(light), "crypto.hmac.sha512": guarded(light),

	// Tokens: verification costs the cube of the key's size, so operands are short. Nothing that signs.
	"io.jwt.decode": guarded(shortToken), "io.jwt.decode_verify": guarded(shortToken), "io.jwt.verify_eddsa": guarded(shortToken),
	"io.jwt.verify_es256": guarded(shortToken), "io.jwt.verify_es384": guarded(shortToken), "io.jwt.verify_es512": guarded(shortToken),
	"io.jwt.verify_hs256": guarded(shortToken), "io.jwt.verify_hs384": guarded(shortToken), "io.jwt.verify_hs512": guarded(shortToken),
	"io.jwt.verify_ps256": guarded(shortToken), "io.jwt.verify_ps384": guarded(shortToken), "io.jwt.verify_ps512": guarded(shortToken),
	"io.jwt.verify_rs256": guarded(shortToken), "io.jwt.verify_rs384": guarded(shortToken), "io.jwt.verify_rs512": guarded(shortToken),
	"io.jwt.encode_sign": refuse(takesKeys), "io.jwt.encode_sign_raw": refuse(takesKeys), "providers.aws.sign_req": refuse(takesKeys),
	"crypto.parse_private_keys": refuse(takesKeys), "crypto.x509.parse_keypair": refuse(takesKeys), "crypto.x509.parse_rsa_private_key": refuse(takesKeys),
	"crypto.x509.parse_and_verify_certificates":              refuse(bigParser),
	"crypto.x509.parse_and_verify_certificates_with_options": refuse(bigParser),
	"crypto.x509.parse_certificate_request":                  refuse(bigParser),
	"crypto.x509.parse_certificates":                         refuse(bigParser),

	// Time: the clock is the decision's.
	"time.now_ns": free(), "time.add_date": guarded(light), "time.clock": guarded(light), "time.date": guarded(light), "time.diff": guarded(light),
	"time.format": guarded(light), "time.parse_duration_ns": guarded(light), "time.parse_ns": guarded(light), "time.parse_rfc3339_ns": guarded(light),
	"time.weekday": guarded(light),

	// Networks: arithmetic on addresses only.
	"net.cidr_contains": guarded(light), "net.cidr_intersects": guarded(light), "net.cidr_is_valid": guarded(light),
	"net.cidr_contains_matches": refuse(pastNetwork), "net.cidr_expand": refuse(multiplies), "net.cidr_merge": refuse(pastNetwork),
	"net.cidr_overlap": refuse(deprecated), "net.lookup_ip_addr": refuse(reachesOut),

	// The world outside.
	"http.send": refuse(reachesOut), "opa.runtime": refuse(tellsOnHost), "rego.parse_module": refuse(tellsOnHost),
	"rego.metadata.chain": refuse(noMetadata), "rego.metadata.rule": refuse(noMetadata),
	"graphql.is_valid": refuse(bigParser), "graphql.parse": refuse(bigParser), "graphql.parse_and_verify": refuse(bigParser),
	"graphql.parse_query": refuse(bigParser), "graphql.parse_schema": refuse(bigParser), "graphql.schema_is_valid": refuse(bigParser),

	// Debugging: print compiles and is erased; nothing is printed.
	"print": free(), "trace": refuse(tellsOnHost), "internal.print": refuse(ofCompiler), "internal.test_case": refuse(ofCompiler),
}

// capabilities returns the profile in the form that the compiler enforces. AllowNet is empty and not nil: nil would mean every host. The
// guarded forms stand beside the builtins because the evaluator asks for their types when they replace a function in `with`.
func capabilities() *ast.Capabilities {
	c := &ast.Capabilities{
		Features: []string{ast.FeatureKeywordsInRefs, ast.FeatureRegoV1, ast.FeatureRegoV1Import, ast.FeatureTemplateStrings},
		AllowNet: []string{},
	}
	for _, b := range ast.Builtins {
		if r, known := profile[b.Name]; known && allowed(r) {
			c.Builtins = append(c.Builtins, b)
			if r.guard != nil {
				c.Builtins = append(c.Builtins, guardedDecl(b))
			}
		}
	}
	slices.SortFunc(c.Builtins, func(a, b *ast.Builtin) int { return strings.Compare(a.Name, b.Name) })
	return c
}

func guardedDecl(b *ast.Builtin) *ast.Builtin {
	d := *b
	d.Name = guardedName(b.Name)
	d.CanSkipBctx = false // it has the evaluation's stint
	return &d
}

// unsafeBuiltins is the second lock on the same door: the compiler refuses these by name, also as replacements in `with`.
func unsafeBuiltins() map[string]struct{} {
	names := make(map[string]struct{})
	for _, b := range ast.Builtins {
		if r, known := profile[b.Name]; !known || !allowed(r) {
			names[b.Name] = struct{}{}
		}
	}
	return names
}
