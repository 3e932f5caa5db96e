package sample

import (
	"context"
	"fmt"
	"strings"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/parallel"
	"github.com/aumos-enterprise/platform/drift/internal/text"
	"github.com/aumos-enterprise/platform/pkg/errs"
	"github.com/aumos-enterprise/platform/pkg/headroom"
)

// Accumulator gathers the batches of one upload. It is used by one goroutine, ends with Finish, and Release must follow in any case.
type Accumulator struct {
	features  []Feature
	position  map[string]int // feature name → index
	columns   []column
	ignored   map[string]bool // columns that are no features and may stand there all the same
	inlet     *Inlet
	reserved  int64
	names     int64 // bytes of category names so far
	textBytes int64 // of texts so far
	cells     int64 // so far
	rows      int64
	rowwise   bool   // whether rows are kept together, for tests of whole rows
	plain     bool   // whether nothing but these is wanted
	path      string // of a batch in the message, for errors
	seen      []int  // by feature: index+1 of the batch's column, 0 when it has none; cleared for each batch
	open      *Options
}

// New starts to gather the features of what comes through the inlet.
func New(inlet *Inlet, features []Feature) *Accumulator {
	a := &Accumulator{inlet: inlet, path: "batch"}
	a.expect(features)
	return a
}

// expect fixes the features.
func (a *Accumulator) expect(features []Feature) {
	a.features, a.seen = features, make([]int, len(features))
	a.position, a.columns = make(map[string]int, len(features)), make([]column, len(features))
	for i, f := range features {
		a.position[f.Name] = i
		a.columns[i] = newColumn(a, f)
	}
}

// Add checks a batch and takes its rows. After an error the upload is of no use.
func (a *Accumulator) Add(batch []Column) error {
	if err := a.inlet.hold(batch); err != nil {
		return err
	}
	if a.open != nil {
		for i := range batch { // those of monitors were looked at when these were made
			if err := text.Line(fmt.Sprintf("%s.columns[%d].name", a.path, i), batch[i].Name); err != nil {
				return err
			}
		}
		a.expect(a.describe(batch))
		a.open = nil
	}
	rows, err := a.match(batch)
	if err != nil {
		return err
	}
	if a.rows+rows > MaxRows {
		return a.tooLarge("rows", MaxRows)
	}
	for _, at := range a.seen {
		a.cells += rows * int64(max(batch[at-1].Dimension, 1))
	}
	if a.cells > MaxCells {
		return a.tooLarge("cells", MaxCells)
	}
	for i := range a.columns {
		if err := a.columns[i].add(&batch[a.seen[i]-1], a.seen[i]-1, a.rows); err != nil {
			return err
		}
	}
	a.rows += rows
	return nil
}

// match finds each feature's column and checks types and lengths; it returns the number of rows.
func (a *Accumulator) match(batch []Column) (rows int64, err error) {
	clear(a.seen)
	for i := range batch {
		c := &batch[i]
		at, known := a.position[c.Name]
		path := fmt.Sprintf("%s.columns[%d]", a.path, i)
		switch {
		case !known && !a.ignored[c.Name]:
			return 0, refuse(errs.ReasonColumnUnknown, c.Name, path+".name", "column %q is not %s", c.Name, a.known())
		case known && a.seen[at] != 0:
			return 0, refuse(errs.ReasonColumnDuplicate, c.Name, path+".name", "column %q stands twice in the batch", c.Name)
		case known && !c.suits(a.features[at].Type):
			return 0, refuse(errs.ReasonColumnType, c.Name, path+"."+strings.TrimSuffix(valuesField(c.Type), ".values"), "column %q has %s values, its feature is %s",
				c.Name, c.Type, a.features[at].Type).With("expected", string(a.features[at].Type)).With("actual", string(c.Type))
		case c.Type == detect.Vector && (c.Dimension < 1 || len(c.Vectors)%c.Dimension != 0):
			return 0, refuse(errs.ReasonColumnLength, c.Name, path+".vectors.values", "column %q has %d numbers, which are no vectors of %d",
				c.Name, len(c.Vectors), c.Dimension)
		case c.Rows() != batch[0].Rows():
			return 0, refuse(errs.ReasonColumnLength, c.Name, path+"."+valuesField(c.Type), "column %q has %d rows, the first column has %d",
				c.Name, c.Rows(), batch[0].Rows())
		case len(c.Validity) != 0 && len(c.Validity) != (c.Rows()+7)/8:
			return 0, refuse(errs.ReasonColumnLength, c.Name, path+".validity", "column %q has %d rows, so validity has %d bytes or none, not %d",
				c.Name, c.Rows(), (c.Rows()+7)/8, len(c.Validity))
		}
		if known {
			a.seen[at] = i + 1
		}
		rows = int64(c.Rows())
	}
	for at, f := range a.features {
		if a.seen[at] == 0 {
			return 0, refuse(errs.ReasonColumnMissing, f.Name, a.path+".columns", "the batch has no column %q", f.Name)
		}
	}
	return rows, nil
}

// Finish sorts what was gathered and returns it; numbers of which rows are kept are sorted by Settle. Without a row it fails with DATA_EMPTY. It is the CPU-bound part of an upload, works
// on several features at a time and stops between features when ctx ends.
func (a *Accumulator) Finish(ctx context.Context) (Set, error) {
	if a.rows == 0 {
		return Set{}, errs.New(errs.InvalidArgument, errs.ReasonDataEmpty, "no rows were sent: at least one is required").Field(a.path, "at least one row is required")
	}
	set := Set{Rows: a.rows, Features: a.features, Samples: make([]Sample, len(a.features))}
	if a.rowwise {
		headroom.Collect(a.reserved)       // the messages
		defer headroom.Collect(a.reserved) // the pieces that are joined
		set.Rowwise = make([]Rowwise, len(a.features))
	}
	err := parallel.Each(ctx, len(a.columns), func(i int) {
		set.Samples[i] = a.columns[i].sample(a.rows)
		if a.rowwise {
			set.Rowwise[i] = a.columns[i].rowwise()
		}
	})
	if err != nil {
		return Set{}, err
	}
	return set, nil
}

// Release gives the upload's memory back to the budget. The Set must not be used any more. It may be called twice.
func (a *Accumulator) Release() {
	a.inlet.budget.Release(a.inlet.owner, a.reserved)
	a.reserved = 0
	a.columns = nil
}

// Reserve takes memory for what is made of the upload's data. Release gives it back with the rest.
func (a *Accumulator) Reserve(n int64) error { return a.reserve(n) }

// reserve takes memory for a column that grows.
func (a *Accumulator) reserve(n int64) error {
	if err := a.inlet.budget.Reserve(a.inlet.owner, n); err != nil {
		return err
	}
	a.reserved += n
	return nil
}

// refuse makes an error about a column.
func refuse(reason errs.Reason, column, field, format string, args ...any) *errs.Error {
	return errs.New(errs.InvalidArgument, reason, format, args...).With("column", column).Field(field, format, args...)
}

// tooLarge makes the error of an upload over a limit.
func (a *Accumulator) tooLarge(what string, limit int) *errs.Error {
	return errs.New(errs.InvalidArgument, errs.ReasonDataTooLarge, "the upload has more than %d %s", limit, what).
		With("limit", fmt.Sprintf("%d %s", limit, what)).
		Field(a.path, "an upload has at most %d %s", limit, what)
}
