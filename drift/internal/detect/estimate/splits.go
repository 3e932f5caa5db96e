package estimate

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// The splits of the calibration check are those of scikit-learn's
// StratifiedShuffleSplit(n_splits=10, test_size=0.1, random_state=42), number for
// number: a check that hangs on chance must come out as NannyML's does.
const (
	splits     = 10
	splitShare = 0.1
	splitSeed  = 42
)

// split is one division of the rows.
type split struct{ train, test []int32 }

// stratified divides rows ten times into a test part of ⌈n/10⌉ rows and the rest, each class in its share.
func stratified(positive []bool) []split {
	rng := newMersenne(splitSeed)
	var members [2][]int32
	for i, p := range positive {
		class := 0
		if p {
			class = 1
		}
		members[class] = append(members[class], int32(i))
	}
	var classes [][]int32
	for _, rows := range members {
		if len(rows) > 0 {
			classes = append(classes, rows)
		}
	}
	n := len(positive)
	testRows := int(math.Ceil(splitShare * float64(n)))
	made := make([]split, splits)
	for s := range made {
		counts := make([]int, len(classes))
		for i, rows := range classes {
			counts[i] = len(rows)
		}
		train := rng.shares(counts, n-testRows)
		for i := range counts {
			counts[i] -= train[i]
		}
		test := rng.shares(counts, testRows)
		for i, rows := range classes {
			order := rng.permutation(len(rows))
			for _, at := range order[:train[i]] {
				made[s].train = append(made[s].train, rows[at])
			}
			for _, at := range order[train[i] : train[i]+test[i]] {
				made[s].test = append(made[s].test, rows[at])
			}
		}
		rng.shuffle(made[s].train)
		rng.shuffle(made[s].test)
	}
	return made
}

// shares divides n draws among classes by their counts, what rounding leaves to the largest remainders.
func (m *mersenne) shares(counts []int, n int) []int {
	total := 0
	for _, c := range counts {
		total += c
	}
	shares, remainders, left := make([]int, len(counts)), make([]float64, len(counts)), n
	order := make([]int, len(counts))
	for i, c := range counts {
		exact := float64(c) / float64(max(1, total)) * float64(n)
		shares[i], order[i] = int(exact), i
		remainders[i] = exact - math.Floor(exact)
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for start := 0; start < len(order) && left > 0; {
		end := start
		for end < len(order) && remainders[order[end]] == remainders[order[start]] {
			end++
		}
		for _, at := range m.permutation(end - start)[:min(end-start, left)] {
			shares[order[start+int(at)]]++
			left--
		}
		start = end
	}
	return shares
}

// mersenne is the generator MT19937 (M. Matsumoto and T. Nishimura, 1998), behind NumPy's RandomState.
type mersenne struct {
	state [624]uint32
	at    int
}

func newMersenne(seed uint32) *mersenne {
	m := &mersenne{at: 624}
	m.state[0] = seed
	for i := 1; i < len(m.state); i++ {
		seed = 1812433253*(seed^seed>>30) + uint32(i)
		m.state[i] = seed
	}
	return m
}

func (m *mersenne) next() uint32 {
	if m.at == len(m.state) {
		for i := range m.state {
			y := m.state[i]&0x80000000 | m.state[(i+1)%624]&0x7fffffff
			m.state[i] = m.state[(i+397)%624] ^ y>>1 ^ (y&1)*0x9908b0df
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// upTo returns a number from 0 to most, each equally likely: masked bits, drawn again when above.
func (m *mersenne) upTo(most uint32) uint32 {
	if most == 0 {
		return 0
	}
	mask := uint32(1)<<bits.Len32(most) - 1
	for {
		if v := m.next() & mask; v <= most {
			return v
		}
	}
}

func (m *mersenne) permutation(n int) []int32 {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	m.shuffle(order)
	return order
}

func (m *mersenne) shuffle(rows []int32) {
	for i := len(rows) - 1; i > 0; i-- {
		j := m.upTo(uint32(i))
		rows[i], rows[j] = rows[j], rows[i]
	}
}
