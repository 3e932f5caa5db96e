package detect

import (
	"slices"
	"strconv"
)

// Parameter is something about a test that a caller may set.
type Parameter struct {
	Name        string // as the contract calls it, with the message that it stands in: "rule.min_rows"
	Description string
	Default     string // for people; "none" where there is none
	Range       string // for people
}

// Parameters returns what bears on the test: what is set for it alone, for its feature, and for the whole run.
func (s Spec) Parameters() []Parameter {
	effects := "above 0"
	if s.MaxEffect > 0 {
		effects += ", at most " + plain(s.MaxEffect)
	}
	parameters := []Parameter{
		{"test.convention", "How the test is computed.", "the first that applies to the feature's type", "the conventions of the test"},
		{"test.min_effect", "The smallest effect that matters, in the unit of " + s.EffectName + ".", plain(s.MinEffect) + ", unless the convention says otherwise", effects},
	}
	parameters = append(parameters, s.ofFeature()...)
	parameters = append(parameters,
		Parameter{"rule.false_discovery_rate", "The share of false alarms among reported drifts that is accepted.", plain(DefaultFDR), "above 0, at most 0.5"},
		Parameter{"rule.min_rows", "The fewest usable values on either side for the test to be made.", strconv.Itoa(DefaultMinRows), "2 to 1,000,000"},
	)
	if slices.Contains(testsThatDraw, s.Test) {
		parameters = append(parameters,
			Parameter{"permutations", "Re-labelled samples behind p-values that come from draws.", strconv.Itoa(DefaultPermutations), "99 to 9,999"},
			Parameter{"seed", "Starts the draws: the same seed and data give the same result.", "0", "0 to 2^64−1"})
	}
	return parameters
}

// ofFeature are the parameters that stand with the feature.
func (s Spec) ofFeature() []Parameter {
	constraint := func(name, description, span string) Parameter {
		return Parameter{"feature.constraint." + name, description, "none", span}
	}
	switch s.Test {
	case TestOutOfRange:
		return []Parameter{
			constraint("min", "The smallest number allowed, in place of the baseline's range.", "any number"),
			constraint("max", "The largest number allowed, in place of the baseline's range.", "any number"),
		}
	case TestConstraintViolation:
		return []Parameter{
			constraint("allowed", "The only categories allowed.", "at most 10,000"),
			constraint("pattern", "A regular expression (RE2) that every value must match as a whole.", "at most 1,024 characters"),
		}
	case TestDuplicateValues:
		return []Parameter{constraint("unique", "Every value must be its own.", "true or false")}
	case TestFormatValidity:
		return []Parameter{constraint("format", "The format that texts must have.", "json")}
	case TestArrivalSeasonality:
		return []Parameter{{"feature.time_zone", "The zone in which hours and weekdays are meant.", "UTC", "an IANA name"}}
	default:
		return nil
	}
}

// testsThatDraw are the tests with a convention, or with data, for which the p-value comes from draws.
//
//nolint:gochecknoglobals // a constant table
var testsThatDraw = []Test{
	TestPSI, TestG, TestJensenShannon, TestHellinger, TestKullbackLeibler, TestLInfinity, TestTotalVariation,
	TestCVM, TestAndersonDarling, TestMannWhitney, TestWelchT, TestLevene, TestWasserstein, TestEnergyDistance,
	TestMMD, TestEnergy, TestDomainClassifier, TestCovariance, TestCentroidShift,
	TestTokenFrequency, TestOutOfVocabulary, TestVocabulary, TestArrivalGaps, TestDuplicateValues, TestUnseenCategories, TestDuplicateRows,
}

func plain(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
