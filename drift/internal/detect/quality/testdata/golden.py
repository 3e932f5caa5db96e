#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of quality expect.

The counts outside a range are from SciPy's negative hypergeometric distribution. What SciPy does not have is computed in rational numbers from
the definition: every division of the pooled rows into two sides, in the small cases one by one.

Made by `make golden`.
"""

import itertools
import json
import pathlib
from fractions import Fraction
from math import comb

import numpy as np
import scipy
from scipy import stats


def beyond():
    out = []
    for n, m in [(2, 1), (2, 30), (30, 30), (100, 1000), (1000, 100), (1000, 1000), (5000, 37), (12, 9000)]:
        for k in sorted({1, 2, 3, 5, 8, 13, m // 3, m - 1, m}):
            if 0 < k <= m:
                # In rational numbers, since SciPy's own loses digits in the far tail.
                p = Fraction(comb(n + m - k - 1, n) + (k + 1) * comb(n + m - k - 1, n - 1), comb(n + m, n))
                theirs = stats.nhypergeom(n + m, m, 2).sf(k - 1) if n >= 2 else 1.0
                assert p < 1e-9 or abs(float(p) - theirs) < 1e-8, (n, m, k, float(p), theirs)
                out.append({"n": n, "m": m, "k": k, "p": float(p)})
    return out


def divisions(splits):
    """Every way to give each pooled row to a side: (baseline, current) counts by value."""
    sizes = [b + c for b, c in splits]
    m = sum(c for _, c in splits)
    rows = [v for v, size in enumerate(sizes) for _ in range(size)]
    for chosen in itertools.combinations(range(len(rows)), m):
        current = [0] * len(splits)
        for row in chosen:
            current[rows[row]] += 1
        yield [(size - c, c) for size, c in zip(sizes, current)]


def rarefied(counts, size):
    n = sum(counts)
    return sum(1 - Fraction(comb(n - c, size), comb(n, size)) for c in counts)


def groups():
    cases = [
        [(1, 0), (1, 0), (0, 1), (0, 1), (1, 1)],
        [(4, 0), (3, 0), (0, 4), (0, 2)],
        [(5, 4)],
        [(2, 0), (1, 3), (0, 2), (1, 0), (1, 1)],
        [(3, 5), (2, 0), (1, 0), (1, 0)],
        [(0, 6), (2, 0), (1, 0), (1, 0)],
        [(6, 1), (0, 1), (0, 1), (0, 1)],
        [(1, 4), (1, 4)],
    ]
    out = []
    for splits in cases:
        unseen = lambda s: sum(c for b, c in s if not b)
        n, m = sum(b for b, _ in splits), sum(c for _, c in splits)
        every = list(divisions(splits))
        in_baseline = lambda s: sum(1 for b, _ in s if b)
        in_current = lambda s: sum(1 for _, c in s if c)
        mean = [Fraction(sum(map(f, every)), len(every)) for f in (in_baseline, in_current)]
        excess = lambda s: (mean[1] - in_current(s)) / m - (mean[0] - in_baseline(s)) / n
        expected = Fraction(sum(map(unseen, every)), len(every))
        two_sided = sum(1 for s in every if abs(excess(s)) >= abs(excess(splits)))
        upper = sum(1 for s in every if unseen(s) >= unseen(splits))
        constant = sum(1 for s in every if any(c == m for _, c in s))
        size = min(n, m)
        out.append(
            {
                "splits": splits,
                "baseline_repeats": float(1 - rarefied([b for b, _ in splits if b], size) / size),
                "current_repeats": float(1 - rarefied([c for _, c in splits if c], size) / size),
                "statistic": float(excess(splits)),
                "repeats_p": float(Fraction(two_sided, len(every))),
                "unseen": unseen(splits),
                "expected_unseen": float(expected),
                "unseen_p": float(Fraction(upper, len(every))),
                "constant_p": float(Fraction(constant, len(every))),
            }
        )
    return out


def main():
    golden = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__}, "beyond": beyond(), "groups": groups()}
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            lines.append(f'  "{key}": [\n' + ",\n".join("    " + json.dumps(case) for case in value) + "\n  ]")
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
