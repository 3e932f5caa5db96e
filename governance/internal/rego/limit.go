package rego

// Limits on what a version may contain. The contract states the first three.
const (
	// MaxModules is the number of modules of a version.
	MaxModules = 16
	// MaxModuleBytes is the size of one module's source.
	MaxModuleBytes = 256 << 10
	// MaxTotalBytes is the size of all sources of a version.
	MaxTotalBytes = 1 << 20

	// maxNesting bounds how deep the parser recurses, and with it every later walk over the syntax tree.
	maxNesting = 128
	// maxRules and maxOperations bound the compiler and the evaluator's stack, which grows with the longest chain of expressions (10,000: 32 MB). Literals
	// count for nothing, so tables of data fit. Twice as many definitions of one rule take the compiler twice as long; but twice as many rules of which
	// each asks the next one, or branches of one else, take it four to six times as long, and where many rules ask for a name with many definitions its
	// graph has an edge for each pair.
	maxRules      = 2_000
	maxOperations = 10_000
	// maxTypeCost bounds the comparison of two static types, in steps of about 50 ns.
	maxTypeCost = 1 << 22
	// maxTypesCost bounds what the rules that references lead to cost together, for each reference anew, in steps of about 200 ns.
	maxTypesCost = 1 << 24
)

// Limits on values.
const (
	// MaxInputBytes is the size of an input as canonical JSON.
	MaxInputBytes = 256 << 10
	// MaxInputDepth is the number of nested objects and arrays of an input.
	MaxInputDepth = 32

	// maxNodes and maxText bound every value of an evaluation, counted as a tree: scalars, collections and keys, and the bytes of strings. An
	// input of the largest size fits (131,070 nodes at most). Unifying two values takes up to 700 bytes of stack a node, so that this
	// is what keeps a comparison under 112 MB of the 1 GB at which Go gives up the process.
	maxNodes = 160_000
	maxText  = 1 << 20
	// maxDigits and maxExponent bound numbers, whose arithmetic is exact: every double and every 256-bit integer fits.
	maxDigits   = 128
	maxExponent = 400

	// MaxViolations, MaxObligations and MaxResultBytes bound what a policy may answer.
	MaxViolations  = 100
	MaxObligations = 100
	MaxResultBytes = 32 << 10
	// maxObligationDepth keeps entries readable for every client: some libraries follow no more than 100 nested messages, and a level takes three.
	maxObligationDepth = 16
)
