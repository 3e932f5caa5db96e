package sample

import "github.com/aumos-enterprise/platform/pkg/tenant"

// A message has at most 16 MiB as it is received, and takes as much again once it is decoded, unless it was made to take more.
const (
	receivedBytes = 16 << 20
	decodedBytes  = 16 << 20
)

// Inlet is the memory that the messages of one stream take on their way in. It is taken before the first of them is received: whoever opens streams
// without end gets as far as the budget. It is used by one goroutine.
type Inlet struct {
	budget *Budget
	owner  tenant.ID // who the memory is charged to
	held   int64
}

// Admit lets the tenant begin an upload, or fails with OVERLOADED when the budget has no room for another one. Release must follow.
func Admit(owner tenant.ID, budget *Budget) (*Inlet, error) {
	if err := budget.Reserve(owner, receivedBytes+decodedBytes); err != nil {
		return nil, err
	}
	return &Inlet{budget: budget, owner: owner, held: receivedBytes + decodedBytes}, nil
}

// hold charges a message that takes more decoded than is usual: a million empty texts are two megabytes on their way, and sixteen here. Since the next
// may be like it, that stays charged.
func (i *Inlet) hold(batch []Column) error {
	decoded := int64(0)
	for k := range batch {
		c := &batch[k]
		decoded += 8*int64(len(c.Numbers)+len(c.Times)) + 16*int64(len(c.Texts)) + 4*int64(len(c.Vectors)) + int64(len(c.Booleans))
	}
	more := receivedBytes + decoded - i.held
	if more <= 0 {
		return nil
	}
	if err := i.budget.Reserve(i.owner, more); err != nil {
		return err
	}
	i.held += more
	return nil
}

// Release gives the memory back. It may be called twice.
func (i *Inlet) Release() {
	i.budget.Release(i.owner, i.held)
	i.held = 0
}
