package calibration

import (
	"math/rand/v2"

	"github.com/aumos-enterprise/platform/drift/internal/detect/stream"
)

// watch is what a detector said of streams of errors.
type watch struct {
	convention string
	alarms     float64 // per 100,000 values with an error rate of 0.2
	found      [2]int  // of trials, for a rate that goes to 0.3 and to 0.5
	delay      [2]float64
	trials     int
}

// afterRates are the error rates after a change from 0.2.
var afterRates = [2]float64{0.3, 0.5}

// changeAt is the number of values before a change, and that after it within which it must be found.
const changeAt = 5000

// watchDetectors runs every detector with its defaults: streams of 100,000 values without a change, and trials with one.
func watchDetectors(streams, trials int) ([]watch, error) {
	var configs []stream.Config
	for _, spec := range stream.Catalog() {
		for _, convention := range spec.Conventions {
			configs = append(configs, stream.Config{Kind: spec.Kind, Convention: convention})
		}
	}
	watches, errs := make([]watch, len(configs)), make([]error, len(configs))
	each(len(configs), func(i int) { watches[i], errs[i] = watchDetector(configs[i], streams, trials) })
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return watches, nil
}

func watchDetector(c stream.Config, streams, trials int) (watch, error) {
	w := watch{convention: c.Convention, trials: trials}
	for i := range streams {
		alarms, _, err := follow(c, rand.New(rand.NewPCG(1, uint64(i))), 100_000, 0.2, 0, 0)
		if err != nil {
			return w, err
		}
		w.alarms += float64(alarms) / float64(streams)
	}
	for j, rate := range afterRates {
		total := 0
		for i := range trials {
			_, delay, err := follow(c, rand.New(rand.NewPCG(2, uint64(i))), changeAt, 0.2, changeAt, rate)
			if err != nil {
				return w, err
			}
			if delay >= 0 {
				w.found[j]++
				total += delay
			}
		}
		w.delay[j] = float64(total) / float64(max(w.found[j], 1))
	}
	return w, nil
}

// follow gives a detector values before a change and after it, and returns the drifts before and the values from the change to the first
// drift after it, −1 if there is none. A drift before the change says nothing about the change.
func follow(c stream.Config, rng *rand.Rand, before int, rate float64, after int, changed float64) (alarms, delay int, err error) {
	s, err := stream.New(c)
	if err != nil {
		return 0, 0, err
	}
	for i := range before + after {
		p := rate
		if i >= before {
			p = changed
		}
		x := 0.0
		if rng.Float64() < p {
			x = 1
		}
		zone, err := s.Update(x)
		switch {
		case err != nil:
			return 0, 0, err
		case zone == stream.Drifted && i >= before:
			return alarms, i - before, nil
		case zone == stream.Drifted:
			alarms++
		}
	}
	return alarms, -1, nil
}
