package tree

// grower grows the trees of one model. It owns all buffers, so that growing allocates little.
type grower struct {
	bins    *Bins
	options Options

	rows                []int32 // all rows, those of each leaf side by side
	aside               []int32
	gradients, hessians []float64 // of the rows by their place in the fit
	orderedG, orderedH  []float64 // of one leaf's rows, in its order
	place               []int32   // the place of a row of Bins in the fit
	spare               []histogram
}

// leaf is a node that may still be split.
type leaf struct {
	node       int // in the tree
	begin, end int // its part of grower.rows
	depth      int
	total      cell
	counts     histogram
	best       split
}

func (g *grower) histogram() histogram {
	if n := len(g.spare); n > 0 {
		h := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return h
	}
	return make(histogram, g.bins.cells)
}

func (g *grower) release(l *leaf) {
	if l.counts != nil {
		g.spare = append(g.spare, l.counts)
		l.counts = nil
	}
}

// tree grows one tree from the current derivatives, the leaf with the largest gain first. The leaves tell which rows they hold.
func (g *grower) tree() (nodes []node, leaves []leaf) {
	root := leaf{end: len(g.rows)}
	for i := range g.gradients {
		root.total.gradient += g.gradients[i]
		root.total.hessian += g.hessians[i]
	}
	root.total.rows = len(g.rows)
	nodes = append(nodes, node{})
	if g.splittable(&root) {
		root.counts = g.histogram()
		g.fill(&root)
		g.search(&root)
	}
	leaves = append(leaves, root)
	for len(leaves) < g.options.MaxLeaves {
		at := 0
		for i := range leaves {
			if leaves[i].best.gain > leaves[at].best.gain {
				at = i
			}
		}
		if leaves[at].best.gain <= 0 {
			break
		}
		parent := leaves[at]
		left, right := g.divide(&parent)
		left.node, right.node = len(nodes), len(nodes)+1
		nodes[parent.node] = g.inner(parent.best, left.node)
		nodes = append(nodes, node{}, node{})
		leaves[at] = left
		leaves = append(leaves, right)
	}
	for i := range leaves {
		g.release(&leaves[i])
	}
	return nodes, leaves
}

func (g *grower) inner(s split, left int) node {
	n := node{column: s.column, bin: s.bin, missingLeft: s.missingLeft, left: left, gain: s.gain}
	if t := g.bins.columns[s.column].thresholds; int(s.bin) < len(t) {
		n.threshold = t[s.bin]
	} else {
		n.all = true // every value that is not missing
	}
	return n
}

// divide parts the rows of a leaf in two, keeping their order, and looks for the splits of both.
func (g *grower) divide(parent *leaf) (left, right leaf) {
	s, column := parent.best, &g.bins.columns[parent.best.column]
	rows, aside := g.rows[parent.begin:parent.end], g.aside[:0]
	kept := 0
	for _, row := range rows {
		if goesLeft(column.codes[row], column.missing, s.bin, s.missingLeft) {
			rows[kept] = row
			kept++
		} else {
			aside = append(aside, row)
		}
	}
	copy(rows[kept:], aside)
	middle := parent.begin + kept
	left = leaf{begin: parent.begin, end: middle, depth: parent.depth + 1}
	right = leaf{begin: middle, end: parent.end, depth: parent.depth + 1}
	g.sum(&left)
	g.sum(&right)

	// Only the smaller side is counted; the larger one is what is left of the parent.
	small, large := &left, &right
	if right.end-right.begin < left.end-left.begin {
		small, large = large, small
	}
	smallSplits, largeSplits := g.splittable(small), g.splittable(large)
	if smallSplits || largeSplits {
		small.counts = g.histogram()
		g.fill(small)
		if largeSplits {
			large.counts, parent.counts = parent.counts, nil
			large.counts.subtract(small.counts)
			g.search(large)
		}
		if smallSplits {
			g.search(small)
		} else {
			g.release(small)
		}
	}
	g.release(parent)
	return left, right
}

// goesLeft tells the side of a value from its bin.
func goesLeft(code, missing, bin uint8, missingLeft bool) bool {
	if code == missing {
		return missingLeft
	}
	return code <= bin
}

func (g *grower) splittable(l *leaf) bool {
	return l.end-l.begin >= 2*g.options.MinRows && l.total.hessian >= minHessian && (g.options.MaxDepth == 0 || l.depth < g.options.MaxDepth)
}

// sum adds up the derivatives of a leaf's rows afresh, since differences of sums would lose digits from level to level.
func (g *grower) sum(l *leaf) {
	for _, row := range g.rows[l.begin:l.end] {
		p := g.place[row]
		l.total.gradient += g.gradients[p]
		l.total.hessian += g.hessians[p]
	}
	l.total.rows = l.end - l.begin
}

func (g *grower) fill(l *leaf) {
	rows := g.rows[l.begin:l.end]
	for i, row := range rows {
		p := g.place[row]
		g.orderedG[i], g.orderedH[i] = g.gradients[p], g.hessians[p]
	}
	l.counts.fill(g.bins, rows, g.orderedG, g.orderedH)
}

// search finds the best split of a leaf; one without gives its histogram back.
func (g *grower) search(l *leaf) {
	l.best = l.counts.best(g.bins, l.total, g.options)
	if l.best.gain <= 0 {
		g.release(l)
	}
}
