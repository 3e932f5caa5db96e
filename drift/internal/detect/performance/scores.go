package performance

import "math"

// logLossFloor keeps the loss of a certain and wrong prediction finite, as
// scikit-learn does: probabilities are moved into [2⁻⁵², 1−2⁻⁵²].
const logLossFloor = 0x1p-52

// Measure returns all metrics that the sample has columns for.
func (c Classification) Measure() []Measure {
	var measures []Measure
	if c.Predicted != nil {
		measures = newConfusion(c).measures()
	}
	if c.Scores == nil {
		return measures
	}
	rankings := c.rankings()
	return append(measures,
		overClasses(ROCAUC, IntervalDeLong, rankings, ranking.auc),
		overClasses(AveragePrecision, IntervalWilson, rankings, ranking.averagePrecision),
		meanOf(LogLoss, c.losses(func(i int) float64 {
			return -math.Log(min(max(c.probability(i, c.Actual[i]), logLossFloor), 1-logLossFloor))
		})),
		meanOf(Brier, c.losses(c.brier)),
		calibrationError(c.confidence(rankings)),
	)
}

// probability of a class in a row.
func (c Classification) probability(i int, class int32) float64 {
	if len(c.Scores) > 1 {
		return c.Scores[class][i]
	}
	if class == 1 {
		return c.Scores[0][i]
	}
	return 1 - c.Scores[0][i]
}

// brier is (p − y)² with two classes, in [0,1], and Σ_k (p_k − y_k)² with more, in [0,2].
func (c Classification) brier(i int) float64 {
	if c.Classes == 2 {
		d := 1 - c.probability(i, c.Actual[i])
		return d * d
	}
	sum := 0.0
	for k := range c.Scores {
		d := c.Scores[k][i] - indicator(int(c.Actual[i]) == k)
		sum += d * d
	}
	return sum
}

func (c Classification) losses(loss func(i int) float64) []float64 {
	losses := make([]float64, c.Rows())
	for i := range losses {
		losses[i] = loss(i)
	}
	return losses
}

// rankings of the rows by each column of scores, positive where the class is the column's.
func (c Classification) rankings() []ranking {
	rankings := make([]ranking, len(c.Scores))
	for k, scores := range c.Scores {
		class := int32(k)
		if len(c.Scores) == 1 {
			class = 1
		}
		rankings[k] = rank(scores, func(i int) bool { return c.Actual[i] == class })
	}
	return rankings
}

// overClasses is a metric of the order of the scores: that of the positive class, or the mean
// over the classes, each against the rest. Every class must occur, and one other.
func overClasses(m Metric, kind Interval, rankings []ranking, of func(ranking, float64, []float64) float64) Measure {
	rows := len(rankings[0].order)
	influence := make([]float64, rows)
	value, weight := 0.0, 1/float64(len(rankings))
	least := math.Inf(1)
	for _, r := range rankings {
		if r.p == 0 || r.n == 0 {
			return undefined(m, "a class does not occur, or only one does")
		}
		least = min(least, r.p, r.n)
		value += weight * of(r, weight, influence)
	}
	square := 0.0
	for _, d := range influence {
		square += d * d
	}
	return inUnit(m, kind, value, square/(float64(rows)*float64(rows)), int64(rows), int64(least))
}

// group is the rows of one confidence.
type group struct{ confidence, rows, hits float64 }

// confidence groups the rows by the positive class's probability, or with more classes by the
// confidence in the chosen class (C. Guo et al., 2017), in ascending order. The largest
// probability chooses where nothing was predicted.
func (c Classification) confidence(rankings []ranking) []group {
	var r ranking
	var scores []float64
	if len(rankings) == 1 {
		r, scores = rankings[0], c.Scores[0]
	} else {
		scores = make([]float64, c.Rows())
		for i := range scores {
			scores[i] = c.Scores[c.choice(i)][i]
		}
		r = rank(scores, func(i int) bool { return c.Actual[i] == c.choice(i) })
	}
	return r.grouped(scores)
}

// grouped is the groups of the ranking in ascending order of score.
func (r ranking) grouped(scores []float64) []group {
	groups := make([]group, len(r.ends))
	start := int32(0)
	for g, end := range r.ends {
		groups[len(groups)-1-g] = group{scores[r.order[start]], float64(end - start), float64(r.hits[g])}
		start = end
	}
	return groups
}

func (c Classification) choice(i int) int32 {
	if c.Predicted != nil {
		return c.Predicted[i]
	}
	best := 0
	for k := range c.Scores {
		if c.Scores[k][i] > c.Scores[best][i] {
			best = k
		}
	}
	return int32(best)
}
