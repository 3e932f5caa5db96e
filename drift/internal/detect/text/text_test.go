package text_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/goldentest"
	"github.com/aumos-enterprise/platform/drift/internal/detect/permutation"
	"github.com/aumos-enterprise/platform/drift/internal/detect/text"
)

type spec struct {
	Seed       uint64
	N, Longest int
	Words      float64
}

// texts repeats those of testdata/golden.py: splitmix64.
func (s spec) texts() []string {
	source := goldentest.NewSource(s.Seed)
	list := make([]string, s.N)
	for i := range list {
		words := make([]string, 1+int(source.Next()*float64(s.Longest)))
		for j := range words {
			words[j] = "W" + strconv.Itoa(int(s.Words*math.Pow(source.Next(), 3)))
		}
		list[i] = strings.Join(words, ", ")
	}
	return list
}

func draws(count int, seed uint64) permutation.Draws {
	return permutation.Draws{Count: count, Rand: rand.New(rand.NewPCG(seed, 1)), Alpha: 0.05}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	type golden struct {
		Cases []struct {
			Baseline, Current spec
			V, Unknown        float64
			LogRatio          float64 `json:"log_ratio"`
		}
	}
	near := func(got, want float64) bool { return math.Abs(got-want) <= 1e-12*max(1e-3, math.Abs(want)) }
	for _, c := range goldentest.Read[golden](t, "testdata/golden.json").Cases {
		corpus := text.Read(c.Baseline.texts(), c.Current.texts())
		v, err1 := corpus.CompareFrequencies(draws(99, 1))
		u, err2 := corpus.CompareUnknown(draws(99, 1))
		r, err3 := corpus.CompareRichness(draws(99, 1))
		if err := errors.Join(err1, err2, err3); err != nil || !near(v.V, c.V) || !near(u.Share, c.Unknown) || !near(r.LogRatio, c.LogRatio) {
			t.Errorf("%+v: got %+v, %+v, %+v, %v", c, v, u, r, err)
		}
	}
}

// TestWords reads words of many scripts; a text equals its words in the plainest form.
func TestWords(t *testing.T) {
	t.Parallel()
	for text1, text2 := range map[string]string{
		"Hello, WORLD!":                   "world hello",
		"don't":                           "DON’T",
		"'quoted' rock'n'roll '":          "quoted rock'n'roll",
		"naïve Straße 3.5 a_b":            "NAÏVE STRAßE 3 5 A B",
		"漢字 かな":                           "な か字漢",
		"hindi: हिन्दी":                   "हिन्दी HINDI",
		"\xff\xfea\xffb":                  "a b",
		strings.Repeat("x", 100):          strings.Repeat("X", 64),
		"word漢word":                       "word 漢 word",
		"tab\tnew\nline\u00a0space\u2028": "tab new line space",
	} {
		r, err := text.Read([]string{text1}, []string{text2}).CompareFrequencies(draws(99, 1))
		u, _ := text.Read([]string{text1}, []string{text2}).CompareUnknown(draws(99, 1))
		if err != nil || r.V != 0 || u.Share != 0 {
			t.Errorf("%q, %q: got %+v, %+v, %v", text1, text2, r, u, err)
		}
	}
}

func TestNoWords(t *testing.T) {
	t.Parallel()
	for _, side := range [][]string{nil, {}, {""}, {" - ", "\xff", "…"}} {
		for _, corpus := range []*text.Corpus{text.Read(side, []string{"a b"}), text.Read([]string{"a"}, side), text.Read(side, side)} {
			_, err1 := corpus.CompareFrequencies(draws(99, 1))
			_, err2 := corpus.CompareUnknown(draws(99, 1))
			_, err3 := corpus.CompareRichness(draws(99, 1))
			for _, err := range []error{err1, err2, err3} {
				if !errors.Is(err, text.ErrNoWords) {
					t.Errorf("%q: got %v", side, err)
				}
			}
			corpus.Moved(3)
		}
	}
}

// clustered draws texts that keep to a topic of their own, so that words of one text are far from independent.
func clustered(rng *rand.Rand, n int) []string {
	list := make([]string, n)
	for i := range list {
		topic, words := rng.IntN(8), make([]string, 5+rng.IntN(30))
		for j := range words {
			words[j] = "t" + strconv.Itoa(topic*50+int(50*math.Pow(rng.Float64(), 3)))
		}
		list[i] = strings.Join(words, " ")
	}
	return list
}

// TestLevels wants p ≤ 0.05 of topical texts at most as often as that, up to three standard errors: a test that took words for independent
// would alarm most of the time.
func TestLevels(t *testing.T) {
	t.Parallel()
	const trials, alpha = 200, 0.05
	most := trials * (alpha + 3*math.Sqrt(alpha*(1-alpha)/trials))
	for i, size := range [][2]int{{40, 40}, {150, 40}, {40, 150}} {
		rng := rand.New(rand.NewPCG(9, uint64(i)))
		var alarms [3]float64
		for trial := range trials {
			corpus := text.Read(clustered(rng, size[0]), clustered(rng, size[1]))
			v, err1 := corpus.CompareFrequencies(draws(99, uint64(trial)))
			u, err2 := corpus.CompareUnknown(draws(99, uint64(trial)))
			r, err3 := corpus.CompareRichness(draws(99, uint64(trial)))
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			if v.V >= v.Critical && v.P > alpha || u.Share >= u.Critical && u.P > alpha {
				t.Errorf("got %+v, %+v", v, u)
			}
			for k, p := range []float64{v.P, u.P, r.P} {
				if p <= alpha {
					alarms[k]++
				}
			}
		}
		t.Logf("%v: %v false alarms of %d", size, alarms, trials)
		if slices.Max(alarms[:]) > most {
			t.Errorf("%v: %v false alarms of %d", size, alarms, trials)
		}
	}
}

// TestFound changes what the tests are for.
func TestFound(t *testing.T) {
	t.Parallel()
	baseline := spec{Seed: 1, N: 300, Longest: 20, Words: 300}.texts()
	swapped, foreign, poor := make([]string, 300), make([]string, 300), make([]string, 300)
	for i, s := range (spec{Seed: 2, N: 300, Longest: 20, Words: 300}).texts() {
		swapped[i] = strings.ReplaceAll(s, "W0,", "W1,")
		foreign[i] = s + " lorem ipsum"
		poor[i] = s + strings.Repeat(" W1 W2 W3", 4)
	}
	same := text.Read(baseline, baseline)
	if v, err := same.CompareFrequencies(draws(999, 1)); err != nil || v.V != 0 || v.P != 1 {
		t.Errorf("the same texts: got %+v, %v", v, err)
	}
	if v, err := text.Read(baseline, swapped).CompareFrequencies(draws(999, 1)); err != nil || v.P > 0.001 {
		t.Errorf("swapped: got %+v, %v", v, err)
	}
	corpus := text.Read(baseline, foreign)
	if u, err := corpus.CompareUnknown(draws(999, 1)); err != nil || u.P > 0.001 || u.Excess() < 0.1 {
		t.Errorf("foreign: got %+v, %v", u, err)
	}
	_, unseen, _, total, _ := corpus.Moved(2)
	if len(unseen) != 2 || unseen[0].Word != "ipsum" || unseen[1].Word != "lorem" || total < 2 || unseen[0].Baseline != 0 || unseen[0].Current <= 0 {
		t.Errorf("got %+v of %d", unseen, total)
	}
	if r, err := text.Read(baseline, poor).CompareRichness(draws(999, 1)); err != nil || r.P > 0.001 || r.LogRatio > -0.1 {
		t.Errorf("poor: got %+v, %v", r, err)
	}
}

// TestLimits reads more texts and words than are told apart, in the same way every time.
func TestLimits(t *testing.T) {
	t.Parallel()
	many := spec{Seed: 3, N: 45_000, Longest: 6, Words: 4e6}.texts()
	var first text.Unknown
	for i := range 2 {
		corpus := text.Read(many[:25_000], many[25_000:])
		u, err := corpus.CompareUnknown(draws(99, 4))
		if err != nil || u.P <= 0.01 || i > 0 && u != first {
			t.Fatalf("got %+v, %v, first %+v", u, err, first)
		}
		first = u
	}
	if v, err := text.Read(many[:25_000], many[25_000:]).CompareFrequencies(draws(99, 4)); err != nil || v.P <= 0.01 || v.V > 0.1 {
		t.Errorf("got %+v, %v", v, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a b", "b c")
	f.Add("\xff漢'", "’’a’")
	f.Fuzz(func(t *testing.T, first, second string) {
		corpus := text.Read([]string{first, second, ""}, []string{second, first})
		v, err := corpus.CompareFrequencies(draws(9, 1))
		if err == nil && !(v.V >= 0 && v.V <= 1 && v.P > 0 && v.P <= 1) {
			t.Errorf("got %+v", v)
		}
		if u, err := corpus.CompareUnknown(draws(9, 1)); err == nil && !(u.Share >= 0 && u.Share <= 1 && u.P > 0 && u.P <= 1) {
			t.Errorf("got %+v", u)
		}
		if r, err := corpus.CompareRichness(draws(9, 1)); err == nil && (math.IsNaN(r.LogRatio) || !(r.P > 0 && r.P <= 1)) {
			t.Errorf("got %+v", r)
		}
	})
}

func BenchmarkCompare(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	baseline, current := clustered(rng, 20_000), clustered(rng, 20_000)
	b.Run("Read", func(b *testing.B) {
		for b.Loop() {
			text.Read(baseline, current)
		}
	})
	corpus := text.Read(baseline, current)
	for name, compare := range map[string]func() error{
		"Frequencies": func() error { _, err := corpus.CompareFrequencies(draws(999, 1)); return err },
		"Unknown":     func() error { _, err := corpus.CompareUnknown(draws(999, 1)); return err },
		"Richness":    func() error { _, err := corpus.CompareRichness(draws(999, 1)); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := compare(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
