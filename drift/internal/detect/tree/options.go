package tree

import (
	"fmt"
	"math"
)

// Loss is what a model makes small.
type Loss int

// The losses.
const (
	Squared  Loss = iota // (y − f)²: f estimates the mean
	Absolute             // |y − f|: f estimates the median
	Logistic             // log-loss of targets 0 and 1: f is the log-odds of 1
)

// Options control learning. The zero value of each field stands for its default.
type Options struct {
	Loss         Loss
	Rounds       int     // trees; 1 to 10,000, default 100
	LearningRate float64 // part of each tree's values that is added; above 0 to 1, default 0.1
	MaxLeaves    int     // of a tree; 2 to 1,024, default 31
	MaxDepth     int     // splits from the root to a leaf; default 0: not bounded
	MinRows      int     // rows that a leaf must have; at least 1, default 20
	L2           float64 // added to a leaf's sum of second derivatives; at least 0, default 0

	// Ended is asked before each tree, unless it is nil; once it is true no more are grown, and the model is of no use.
	Ended func() bool
}

func (o Options) withDefaults() Options {
	if o.Rounds == 0 {
		o.Rounds = 100
	}
	if o.LearningRate == 0 {
		o.LearningRate = 0.1
	}
	if o.MaxLeaves == 0 {
		o.MaxLeaves = 31
	}
	if o.MinRows == 0 {
		o.MinRows = 20
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Loss < Squared || o.Loss > Logistic:
		return fmt.Errorf("%w: loss %d", ErrOptions, o.Loss)
	case o.Rounds < 1 || o.Rounds > 10_000:
		return fmt.Errorf("%w: %d rounds", ErrOptions, o.Rounds)
	case !(o.LearningRate > 0 && o.LearningRate <= 1):
		return fmt.Errorf("%w: learning rate %v", ErrOptions, o.LearningRate)
	case o.MaxLeaves < 2 || o.MaxLeaves > 1024:
		return fmt.Errorf("%w: %d leaves", ErrOptions, o.MaxLeaves)
	case o.MaxDepth < 0 || o.MinRows < 1:
		return fmt.Errorf("%w: depth %d, %d rows in a leaf", ErrOptions, o.MaxDepth, o.MinRows)
	case !(o.L2 >= 0) || math.IsInf(o.L2, 0):
		return fmt.Errorf("%w: L2 %v", ErrOptions, o.L2)
	}
	return nil
}
