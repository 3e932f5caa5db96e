package stream

import "slices"

// Kind is a detector.
type Kind string

// The detectors.
const (
	ADWIN       Kind = "ADWIN"
	DDM         Kind = "DDM"
	EDDM        Kind = "EDDM"
	RDDM        Kind = "RDDM"
	HDDMA       Kind = "HDDM_A"
	HDDMW       Kind = "HDDM_W"
	FHDDM       Kind = "FHDDM"
	STEPD       Kind = "STEPD"
	PageHinkley Kind = "PAGE_HINKLEY"
	CUSUM       Kind = "CUSUM"
	KSWIN       Kind = "KSWIN"
	ECDD        Kind = "ECDD"
)

// Input is the set of values that a detector's theory covers. Others are refused.
type Input string

// The inputs.
const (
	Errors  Input = "ERRORS"  // 0 and 1
	Unit    Input = "UNIT"    // 0 to 1
	Numbers Input = "NUMBERS" // finite, of at most MaxValue in magnitude
)

// MaxValue bounds the magnitude of values, so that sums of squares stay finite.
const MaxValue = 1e100

// maxCount bounds the number of values of a stream: counts stay exact as floats.
const maxCount = 1 << 53

// Parameter is a setting of a detector.
type Parameter struct {
	Name     string
	Meaning  string
	Default  float64
	Min, Max float64 // both allowed
	Whole    bool    // integers only
}

// Spec describes a detector.
type Spec struct {
	Kind        Kind
	Null        string // the null hypothesis
	Source      string // the paper
	Input       Input
	Conventions []string // the first is the default
	Warns       bool     // has a warning zone
	TwoSided    bool     // finds decreases too (HDDM-A and HDDM-W: with two_sided = 1)
	Parameters  []Parameter

	code  byte // in states; never reused
	check func(p parameters) (parameter, problem string)
	make  func(s settings) detector
}

// parameters are a detector's settings by name, complete.
type parameters map[string]float64

// settings are what a detector is made of.
type settings struct {
	parameters

	convention string
	seed       uint64
}

// Catalog returns the description of every detector.
func Catalog() []Spec { return slices.Clone(catalog) }

// find returns the description of a detector.
func find(kind Kind) (Spec, bool) {
	i := slices.IndexFunc(catalog, func(s Spec) bool { return s.Kind == kind })
	if i < 0 {
		return Spec{}, false
	}
	return catalog[i], true
}

const (
	nullRate = "the errors have one rate"
	nullMean = "the values have one mean"
)

// significance is a parameter that is a probability; 0 would never and 1 always find something.
func significance(name string, value float64, meaning string) Parameter {
	return Parameter{Name: name, Default: value, Min: 1e-300, Max: 1 - 1e-9, Meaning: meaning}
}

func whole(name string, value, low, high float64, meaning string) Parameter {
	return Parameter{Name: name, Default: value, Min: low, Max: high, Whole: true, Meaning: meaning}
}

func decimal(name string, value, low, high float64, meaning string) Parameter {
	return Parameter{Name: name, Default: value, Min: low, Max: high, Meaning: meaning}
}

// notAbove is a check that the first parameter is not above the second.
func notAbove(low, high string) func(parameters) (string, string) {
	return func(p parameters) (string, string) {
		if p[low] > p[high] {
			return low, "must not be above " + high
		}
		return "", ""
	}
}

// maxWindow bounds windows that are kept value by value.
const maxWindow = 10_000

var catalog = []Spec{ //nolint:gochecknoglobals // a constant table
	{
		Kind: ADWIN, Null: nullMean, Input: Numbers, TwoSided: true, Conventions: []string{"adwin/moa"}, code: 1,
		Source: "A. Bifet and R. Gavaldà, Learning from time-changing data with adaptive windowing, SDM 2007",
		Parameters: []Parameter{
			significance("delta", 0.002, "the confidence: the chance of a false cut, by the paper's bound"),
			whole("clock", 32, 1, 1<<20, "cuts are looked for at every so many values"),
			whole("max_buckets", 5, 2, 64, "buckets of each size: more are more precise and slower"),
			whole("min_window_length", 5, 1, 1<<20, "the fewest values on a side of a cut"),
			whole("grace_period", 10, 1, 1<<20, "no cut in a window of so few values"),
		},
		make: newADWIN,
	},
	{
		Kind: DDM, Null: nullRate, Input: Errors, Warns: true, Conventions: []string{"ddm/river"}, code: 2,
		Source: "J. Gama, P. Medas, G. Castillo and P. Rodrigues, Learning with drift detection, SBIA 2004",
		Parameters: []Parameter{
			whole("warm_start", 30, 2, 1<<30, "no judgement before so many values are exceeded"),
			decimal("warning_threshold", 2, 0.1, 100, "standard deviations above the least error rate that warn"),
			decimal("drift_threshold", 3, 0.1, 100, "standard deviations that are a drift"),
		},
		check: notAbove("warning_threshold", "drift_threshold"),
		make:  newDDM,
	},
	{
		Kind: EDDM, Null: "the distances between errors have one distribution", Input: Errors, Warns: true, Conventions: []string{"eddm/river", "eddm/moa"}, code: 3,
		Source: "M. Baena-García et al., Early drift detection method, 2006",
		Parameters: []Parameter{
			whole("warm_start", 30, 2, 1<<30, "no judgement before so many values and errors are exceeded"),
			decimal("alpha", 0.95, 0.01, 1, "the share of the largest distance below which is a warning"),
			decimal("beta", 0.9, 0.01, 1, "the share below which is a drift"),
		},
		check: notAbove("beta", "alpha"),
		make:  newEDDM,
	},
	{
		Kind: RDDM, Null: nullRate, Input: Errors, Warns: true, Conventions: []string{"rddm/moa"}, code: 4,
		Source: "R. Barros, D. Cabral, P. Gonçalves and S. Santos, RDDM: reactive drift detection method, 2017",
		Parameters: []Parameter{
			whole("warm_start", 129, 2, 1<<30, "no judgement before so many values"),
			decimal("warning_threshold", 1.773, 0.1, 100, "standard deviations above the least error rate that warn"),
			decimal("drift_threshold", 2.258, 0.1, 100, "standard deviations that are a drift"),
			whole("max_concept", 40_000, 100, 1<<30, "a stable run of more values is shortened to its latest"),
			whole("min_concept", 7_000, 10, 20_000, "the values that a shortened run keeps"),
			whole("warning_limit", 1_400, 1, 1<<30, "a warning zone of so many values is a drift"),
		},
		check: func(p parameters) (string, string) {
			if 2*p["min_concept"] > p["max_concept"] { // else a stable run would be shortened, value by value, at almost each one
				return "min_concept", "must be at most half of max_concept"
			}
			return notAbove("warning_threshold", "drift_threshold")(p)
		},
		make: newRDDM,
	},
	{
		Kind: HDDMA, Null: nullMean, Input: Unit, Warns: true, TwoSided: true, Conventions: []string{"hddm-a/river"}, code: 5,
		Source: "I. Frías-Blanco et al., Online and non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27, 2015",
		Parameters: []Parameter{
			significance("drift_confidence", 0.001, "the significance of a drift"),
			significance("warning_confidence", 0.005, "the significance of a warning"),
			whole("two_sided", 0, 0, 1, "1: decreases are drifts too"),
		},
		check: notAbove("drift_confidence", "warning_confidence"),
		make:  newHDDMA,
	},
	{
		Kind: HDDMW, Null: nullMean, Input: Unit, Warns: true, TwoSided: true, Conventions: []string{"hddm-w/river", "hddm-w/moa"}, code: 6,
		Source: "I. Frías-Blanco et al., Online and non-parametric drift detection methods based on Hoeffding's bounds, IEEE TKDE 27, 2015",
		Parameters: []Parameter{
			significance("drift_confidence", 0.001, "the significance of a drift"),
			significance("warning_confidence", 0.005, "the significance of a warning"),
			decimal("lambda", 0.05, 1e-6, 1, "the weight of the latest value"),
			whole("two_sided", 0, 0, 1, "1: decreases are drifts too"),
		},
		check: notAbove("drift_confidence", "warning_confidence"),
		make:  newHDDMW,
	},
	{
		Kind: FHDDM, Null: nullRate, Input: Errors, Conventions: []string{"fhddm/river"}, code: 7,
		Source: "A. Pesaranghader and H. Viktor, Fast Hoeffding drift detection method, ECML PKDD 2016",
		Parameters: []Parameter{
			whole("window", 100, 2, maxWindow, "the latest values that are compared with the best window so far"),
			significance("delta", 1e-6, "the significance of one comparison"),
		},
		make: newFHDDM,
	},
	{
		Kind: STEPD, Null: nullRate, Input: Errors, Warns: true, TwoSided: true, Conventions: []string{"stepd/moa"}, code: 8,
		Source: "K. Nishida and K. Yamauchi, Detecting concept drift using statistical testing, DS 2007",
		Parameters: []Parameter{
			whole("window", 30, 2, maxWindow, "the latest values that are compared with all before them"),
			significance("alpha_drift", 0.003, "the significance of a drift"),
			significance("alpha_warning", 0.05, "the significance of a warning"),
		},
		check: notAbove("alpha_drift", "alpha_warning"),
		make:  newSTEPD,
	},
	{
		Kind: PageHinkley, Null: nullMean, Input: Numbers, TwoSided: true, Conventions: []string{"page-hinkley/river", "page-hinkley/moa"}, code: 9,
		Source: "E. Page, Continuous inspection schemes, Biometrika 41, 1954; H. Mouss et al., 2004",
		Parameters: []Parameter{
			whole("min_instances", 30, 1, 1<<30, "no judgement before so many values"),
			decimal("delta", 0.005, 0, MaxValue, "the change that is tolerated, in the values' unit"),
			decimal("threshold", 50, 0, MaxValue, "the cumulative change that is a drift, in the values' unit"),
			decimal("alpha", 1-0.0001, 0, 1, "what the sums keep from value to value"),
		},
		make: newPageHinkley,
	},
	{
		Kind: CUSUM, Null: nullMean, Input: Numbers, Conventions: []string{"cusum/moa"}, code: 10,
		Source: "E. Page, Continuous inspection schemes, Biometrika 41, 1954",
		Parameters: []Parameter{
			whole("min_instances", 30, 1, 1<<30, "no judgement before so many values"),
			decimal("delta", 0.005, 0, MaxValue, "the change that is tolerated, in the values' unit"),
			decimal("threshold", 50, 0, MaxValue, "the cumulative change that is a drift, in the values' unit"),
		},
		make: newCUSUM,
	},
	{
		Kind: KSWIN, Null: "the latest values and those before them come from one distribution", Input: Numbers, TwoSided: true,
		Conventions: []string{"kswin/pcg"}, code: 11,
		Source: "C. Raab, M. Heusinger and F.-M. Schleif, Reactive soft prototype computing for concept drift streams, Neurocomputing 416, 2020",
		Parameters: []Parameter{
			significance("alpha", 0.005, "the significance of one comparison; there is one at every value"),
			whole("window", 100, 4, 1_000, "the values that are kept"),
			whole("recent", 30, 2, 200, "the latest of them, which are compared with as many drawn from the rest"),
		},
		check: func(p parameters) (string, string) {
			if 2*p["recent"] > p["window"] {
				return "recent", "must be at most half the window"
			}
			return "", ""
		},
		make: newKSWIN,
	},
	{
		Kind: ECDD, Null: nullRate, Input: Errors, Warns: true, Conventions: []string{"ecdd/moa"}, code: 12,
		Source: "G. Ross, N. Adams, D. Tasoulis and D. Hand, Exponentially weighted moving average charts for detecting concept drift, PRL 33, 2012",
		Parameters: []Parameter{
			whole("min_instances", 30, 2, 1<<30, "no judgement before so many values"),
			decimal("lambda", 0.2, 0.01, 1, "the weight of the latest value; the control limit was fitted at 0.2"),
		},
		make: newECDD,
	},
}
