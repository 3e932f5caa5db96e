package sample

import (
	"reflect"
	"slices"
)

// maxPiece bounds a piece that is larger than the batch that begins it, in values.
const maxPiece = 65536

// pieces gathers values that keep coming. Nothing is copied as it grows, and at most a fifth of what it holds is room for more: a slice that
// doubles would hold three times the values for a moment.
type pieces[T any] struct {
	list [][]T
}

// grow returns a slice to which n values can be appended in place, after it has reserved the bytes that it takes.
func (p *pieces[T]) grow(n int, reserve func(bytes int64) error) (*[]T, error) {
	if last := len(p.list) - 1; last >= 0 && cap(p.list[last])-len(p.list[last]) >= n {
		return &p.list[last], nil
	}
	held := 0
	for _, piece := range p.list {
		held += len(piece)
	}
	room := n * max(1, min(held/4, maxPiece)/max(n, 1)) // whole batches: those of one size leave no rest
	if err := reserve(int64(room) * int64(reflect.TypeFor[T]().Size())); err != nil {
		return nil, err
	}
	p.list = append(p.list, make([]T, 0, room))
	return &p.list[len(p.list)-1], nil
}

// join returns the values in one slice and forgets them.
func (p *pieces[T]) join() []T {
	defer func() { p.list = nil }()
	if len(p.list) == 1 {
		return p.list[0]
	}
	return slices.Concat(p.list...)
}
