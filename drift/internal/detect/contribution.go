package detect

import (
	"cmp"
	"slices"
)

// FeatureContribution is a feature's part in the drift of a run.
type FeatureContribution struct {
	Feature  string
	Marginal float64  // its share of all severities weighed by importance, 0 to 1: what changed in the feature itself
	Joint    *float64 // its share in how a classifier tells whole rows apart, 0 to 1; nil without that test
}

// Contributions returns how much each feature has to do with the drift, largest first: by what changed in itself, and by what a domain
// classifier used to tell the sides apart. A feature that contributes to the second and not to the first changed together with others only.
func (run Run) Contributions() []FeatureContribution {
	total := 0.0
	for _, f := range run.Features {
		total += f.weighed()
	}
	joint := run.joint()
	contributions := make([]FeatureContribution, len(run.Features))
	for i, f := range run.Features {
		c := FeatureContribution{Feature: f.Name}
		if total > 0 {
			c.Marginal = f.weighed() / total
		}
		if joint != nil {
			c.Joint = new(joint[f.Name]) // a column that is no part of whole rows has none
		}
		contributions[i] = c
	}
	slices.SortStableFunc(contributions, func(a, b FeatureContribution) int {
		if a.Joint == nil || a.Marginal != b.Marginal {
			return cmp.Compare(b.Marginal, a.Marginal)
		}
		return cmp.Compare(*b.Joint, *a.Joint)
	})
	return contributions
}

// weighed is the feature's severity times its importance. Halving both keeps the product of the largest numbers finite.
func (f FeatureResult) weighed() float64 {
	if f.Importance == nil {
		return f.Severity * maxWeight
	}
	return f.Severity * min(*f.Importance, 1/maxWeight) * maxWeight
}

// maxWeight scales importances so that their sum over the features of a run cannot overflow, whatever they are.
const maxWeight = 0x1p-500

// joint returns the columns' shares in what the domain classifier found, nil without it.
func (run Run) joint() map[string]float64 {
	for _, r := range run.Rows {
		if r.Test == TestDomainClassifier && len(r.Contributions) > 0 {
			shares := make(map[string]float64, len(r.Contributions))
			for _, c := range r.Contributions {
				shares[c.Feature] = c.Share
			}
			return shares
		}
	}
	return nil
}
