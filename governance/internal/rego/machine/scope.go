package machine

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ir"
)

// scope is what is known of the registers of one body where the plan is being read. Bodies use the same registers one after the other: what one has left
// there is nothing to another.
type scope struct {
	all     additions         // in the body, also in the blocks within
	written map[ir.Local]bool // registers that hold something by now, or would if it were defined
	order   []ir.Local        // the same, as they came
}

// write notes that a register is written.
func (s *scope) write(l ir.Local) {
	if !s.written[l] {
		s.written[l] = true
		s.order = append(s.order, l)
	}
}

// enter begins a body. leave, when it has been read, takes back what it wrote.
func (t *translator) enter(b *ir.Block) (leave func()) {
	outer, mark := t.scope.all, len(t.scope.order)
	t.scope.all = make(additions)
	visit(b, t.scope.all.count)
	return func() {
		for _, l := range t.scope.order[mark:] {
			delete(t.scope.written, l)
			delete(t.constants, l)
			delete(t.stored, l)
		}
		t.scope.all, t.scope.order = outer, t.scope.order[:mark]
	}
}

// unwritten refuses a plan that reads what its body has not written. OPA's planner does that where two literals of one expression bind a variable and ask
// for it, as in [x, y] = [y, 1].
func unwritten(l ir.Local) error {
	return fmt.Errorf("%w: register %d is read before it is written", ErrUnsupported, l)
}
