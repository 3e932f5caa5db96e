package rego

import (
	"context"
	"time"
)

// asked is an evaluation on its way to a worker and back. One that was answered serves the next question: what it is made of costs about as much as the
// hand-over. One that was given up stays with its worker.
type asked struct {
	engine *Engine
	timer  *time.Timer // of the deadline
	done   chan Result // has room for the answer
	work   func()      // what the worker does

	ctx        context.Context //nolint:containedctx // of the question that it is on the way with
	evaluation Evaluation
	slot       slot
	stint      *stint
}

func (e *Engine) newAsked() *asked {
	a := &asked{engine: e, timer: time.NewTimer(time.Hour), done: make(chan Result, 1)}
	a.timer.Stop()
	a.work = a.evaluate
	return a
}

// evaluate is the last that the worker has to do with it, once it has sent the answer.
func (a *asked) evaluate() {
	ev, held, s := &a.evaluation, a.slot, a.stint
	defer held.release()
	s.takeUp()
	r, defect := ev.Policy.evaluate(options{input: ev.Input, now: ev.Now, seed: ev.Seed}, s)
	a.engine.ended(a.ctx, ev, s.age(), defect)
	s.end()
	a.done <- r
}

// answered keeps what was answered for the next question, but nothing of the question.
func (e *Engine) answered(a *asked) {
	a.timer.Stop()
	a.ctx, a.evaluation, a.slot, a.stint = nil, Evaluation{}, slot{}, nil
	e.asked.Put(a)
}
