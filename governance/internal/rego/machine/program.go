package machine

import (
	"errors"
	"unsafe"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// ErrUnsupported is that a plan asks for what the machine does not do.
var ErrUnsupported = errors.New("the machine does not do that")

// ErrUnusual is that a run came to something about which topdown has to decide.
var ErrUnusual = errors.New("the machine leaves that to topdown")

// Builtin is a builtin function as a program calls it.
type Builtin struct {
	Arity int
	// Clock is that the builtin asks for the time.
	Clock bool
	// Total is that the builtin has a result for all operands, and no other effect.
	Total bool
	// Look is what the machine does itself for a part of the input.
	Look Look
	// Guard looks at the operands before a call and refuses it when it costs too much; nil: there is nothing to look at.
	Guard func(bctx *topdown.BuiltinContext, operands []*ast.Term) error
	Call  topdown.BuiltinFunc
	// Bounded refuses a result that is over the limits; nil: it cannot be.
	Bounded func(*ast.Term) error
}

// Surroundings are what a program needs to know of where it runs.
type Surroundings struct {
	// Builtin returns the builtin of that name, or false where a program may not call it.
	Builtin func(name string) (*Builtin, bool)
	// Weigh refuses a value that is over the limits.
	Weigh func(*ast.Term) error
	// Check is the name of the builtin that weighs the elements of the array that it is called with.
	Check string
	// MaxNodes is more elements than a value within the limits can have.
	MaxNodes int
}

// Program is a translated plan. It does not change and any number of goroutines may run it.
type Program struct {
	constants []*ast.Term
	functions []function
	calls     []call
	lists     [][]operand
	nested    []code
	entries   []int // the functions that a run asks
	clock     bool  // some builtin asks for the time
	elements  int   // of constants that are collections
	around    *Surroundings
}

// Size is about how many bytes of memory the program takes.
func (p *Program) Size() int64 {
	const word, slice, term = 8, 24, 128
	size := slice*(len(p.functions)+len(p.lists)+len(p.nested)) + (slice+2*word)*len(p.calls) + (term+word)*len(p.constants) + term*p.elements
	count := func(c code) { size += int(unsafe.Sizeof(instruction{})) * len(c) }
	for _, f := range p.functions {
		size += 3*slice + word
		for _, b := range f.bodies {
			size += slice*(2+len(b.blocks)) + 2*word*len(b.tests)
			for _, c := range b.blocks {
				count(c)
			}
		}
		for _, path := range f.paths {
			size += 2*slice + 5*word + word*len(path.keys) + 6*word*len(path.constants)
		}
	}
	for _, c := range p.nested {
		count(c)
	}
	for _, l := range p.lists {
		size += word / 2 * len(l)
	}
	for _, c := range p.calls {
		size += word / 2 * len(c.arguments)
	}
	return int64(size)
}

// function is a rule or a function of the policy.
type function struct {
	parameters []operand // registers, without those of input and data
	registers  int
	paths      []*path
	bodies     []body
}

// call is one place that calls.
type call struct {
	function  int // or
	builtin   *Builtin
	arguments []operand
}

// operand is a register when it is not negative, else a constant, counted from -1 downwards.
type operand int32

// The registers that every function begins with.
const (
	inputRegister operand = iota
	dataRegister
)

// code is a sequence of instructions, run until one of them is undefined.
type code []instruction

// instruction is one step; what a, b, to and at mean depends on the opcode.
type instruction struct {
	op       opcode
	a, b, to operand
	at       int32 // in a table of the program
}

type opcode uint8

const (
	opMove           opcode = iota // to = a
	opReset                        // to is undefined
	opAssignOnce                   // to = a, which must not differ from what it is
	opAssignAndLeave               // the same, and the rest of the rule's body is left: it could only find the same again
	opDot                          // to = a[b], or undefined
	opDotData                      // the same of a part of the data document
	opLen                          // to = the number of elements of a
	opEqual                        // undefined unless a = b
	opNotEqual                     // undefined unless a != b
	opIsArray                      // undefined unless a is an array
	opIsObject
	opIsSet
	opIsDefined   // undefined unless a is
	opIsUndefined // undefined if a is
	opArray       // to = the list at
	opObject      // to = the list at, of keys and values in turns
	opSet         // to = the list at
	opMakeArray   // to = an array that grows
	opMakeObject
	opMakeSet
	opAppend      // to a is appended
	opInsert      // to[a] = b, which is new
	opInsertOnce  // to[a] = b, which must not differ from what it is
	opAdd         // a is added to the set to
	opScan        // runs at for each key a and value b of the collection to
	opBlocks      // runs the blocks at, one after the other
	opNot         // undefined if at comes to its end
	opCall        // to = the function's result, or undefined
	opCallBuiltin // to = the builtin's result, or undefined
	opBreak       // leaves as many blocks as at says, beyond this one
	opReturn      // ends the function with a
	opWeigh       // refuses the values of the list at when they are over the limits
	opcodes       = iota
)
