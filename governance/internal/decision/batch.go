package decision

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/google/uuid"
)

// Answer is what became of one question of several.
type Answer struct {
	Decision Decision
	Err      error
}

// EvaluateBatch answers each question as Evaluate does, in the order of the questions. The decisions reach the wall together, but each stands or fails by
// itself. No more than a share of the questions is evaluated at the same time, so that a batch leaves room for the tenant's other questions.
//
// Questions with one request id are answered one after the other: the later ones are repetitions of the first.
func (d *Decider) EvaluateBatch(ctx context.Context, questions []Question) []Answer {
	answers := make([]Answer, len(questions))
	turns := make(turn, d.config.BatchShare)
	var asked sync.WaitGroup
	defects := make(chan string, len(questions))
	for _, chain := range chains(questions) {
		asked.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					defects <- fmt.Sprintf("%v\n%s", p, debug.Stack())
				}
			}()
			for _, i := range chain {
				q := questions[i]
				q.turn = turns
				answers[i].Decision, answers[i].Err = d.Evaluate(ctx, q)
			}
		})
	}
	asked.Wait()
	select {
	case defect := <-defects:
		panic(defect) // on the goroutine of the call, where somebody takes care of it
	default:
		return answers
	}
}

// chains groups the indexes of questions that must wait for each other, in their order.
func chains(questions []Question) [][]int {
	list := make([][]int, 0, len(questions))
	byRequest := make(map[uuid.UUID]int)
	for i, q := range questions {
		if q.Request != uuid.Nil {
			if first, ok := byRequest[q.Request]; ok {
				list[first] = append(list[first], i)
				continue
			}
			byRequest[q.Request] = len(list)
		}
		list = append(list, []int{i})
	}
	return list
}

// turn bounds how many questions of a batch are evaluated at the same time; nil does not. Nobody waits for the wall while having it.
type turn chan struct{}

func (t turn) take(ctx context.Context) error {
	if t == nil {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) leave() {
	if t != nil {
		<-t
	}
}
