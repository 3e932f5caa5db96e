#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of detect, ks, contingency and tail expect.

Made by `make golden`; the versions used are written into the file. What SciPy has is taken from SciPy. What it does not have (the stability index,
the balanced Cramér's V, the sum of Smirnov beyond its limit), or has with fewer
digits (Fisher's test of large tables), is computed here from the definition,
apart from the Go code. Samples are either listed or made
from a seed by splitmix64, which the Go tests repeat.
"""

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import scipy
from scipy import stats
from scipy.stats import _stats_py

from samples import draw, made, splitmix

A = [0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2]
B = [0.9, 1.5, 2.1, 2.6, 3.3, 3.9, 4.4, 5.0, 5.7, 6.1, 6.6, 7.2]

PAIRS = [
    ("textbook", {"values": A}, {"values": B}),
    ("textbook reversed", {"values": B}, {"values": A}),
    ("one against one, equal", {"values": [1]}, {"values": [1]}),
    ("one against one", {"values": [1]}, {"values": [2]}),
    ("one against ten", {"values": [2]}, {"values": A}),
    ("constant, equal", {"values": [3] * 40}, {"values": [3] * 50}),
    ("constant, different", {"values": [3] * 40}, {"values": [4] * 50}),
    ("two levels", {"values": [0] * 95 + [1] * 5}, {"values": [0] * 30 + [1] * 70}),
    ("negative and zero", {"values": [-2, -1, 0, 0, 0, 1]}, {"values": [-1, 0, 0, 5]}),
    ("disjoint", made(1, 60), made(2, 45, shift=2)),
    ("disjoint, p below the smallest double", made(1, 900), made(2, 950, shift=2)),
    ("inside", made(3, 200), made(4, 150, scale=0.25, shift=0.4)),
    ("equal sizes, null", made(5, 500), made(6, 500)),
    ("equal sizes, shift", made(7, 500), made(8, 500, shift=0.1)),
    ("coprime, null", made(9, 997), made(10, 1009)),
    ("coprime, shift", made(11, 997), made(12, 1009, shift=0.08)),
    ("common divisor", made(13, 600), made(14, 400, shift=0.05)),
    ("very unequal", made(15, 9000), made(16, 31, shift=0.1)),
    ("ties, 10 levels", made(17, 300, levels=10), made(18, 280, levels=10)),
    ("ties, 3 levels", made(19, 1000, levels=3), made(20, 700, levels=3, shift=0.0)),
    ("ties, 2 levels, shifted", made(21, 1000, levels=2), made(22, 700, levels=2, shift=0.5)),
    ("ties, 1000 levels", made(23, 12000, levels=1000), made(24, 11000, levels=1000)),
    ("at the switch, exact", made(25, 10000), made(26, 9999, shift=0.01)),
    ("at the switch, exact, equal", made(27, 10000), made(28, 10000, shift=0.02)),
    ("at the switch, asymptotic", made(29, 10001), made(30, 9999, shift=0.01)),
    ("asymptotic, one side small", made(31, 10001), made(32, 50, shift=0.1)),
    ("asymptotic, one side tiny", made(33, 10001), made(34, 2)),
    ("asymptotic, one value", made(35, 10001), {"values": [0.99]}),
    ("asymptotic, null", made(36, 20000), made(37, 30000)),
    ("asymptotic, small shift", made(38, 20000), made(39, 30000, shift=0.02)),
    ("asymptotic, p tiny", made(40, 20000), made(41, 30000, shift=0.2)),
    ("asymptotic, scale", made(42, 40000), made(43, 15000, scale=0.97, shift=0.015)),
    ("asymptotic, p zero", made(44, 20000), made(45, 20000, shift=0.9)),
]


def ks_samples():
    out = []
    for name, first, second in PAIRS:
        x, y = draw(first), draw(second)
        r = stats.ks_2samp(x, y)
        out.append(
            {
                "name": name,
                "baseline": first,
                "current": second,
                "d": float(r.statistic),
                "location": float(r.statistic_location),
                "sign": int(r.statistic_sign),
                "p": float(r.pvalue),
                "exact": max(len(x), len(y)) <= 10000,
            }
        )
    return out


def ks_exact():
    """Exact p-values by sizes and by the distance in units of 1/lcm."""
    out = []
    for n, m in [(1, 1), (1, 2), (2, 3), (5, 5), (3, 10), (10, 12), (30, 30), (30, 31), (100, 100), (100, 40),
                 (64, 1000), (999, 1000), (1000, 1000), (2500, 5000), (5000, 5000), (10000, 10000), (9973, 100)]:
        g = math.gcd(n, m)
        lcm = n // g * m
        z = math.sqrt(n * m / (n + m))
        steps = {1, lcm, max(1, lcm // 2)}
        steps |= {max(1, round(c / z * lcm)) for c in (0.3, 0.5, 0.8, 1, 1.2, 1.5, 2, 3, 5, 8) if c / z < 1}
        for h in sorted(steps):
            ok, _, p = _stats_py._attempt_exact_2kssamp(n, m, g, h / lcm, "two-sided")
            # SciPy gives up when rounding carries it above 1.
            out.append({"n": n, "m": m, "steps": h, "p": float(p) if ok else 1.0})
    return out


def kstwo():
    """The one-sample distribution, in every region of Simard and L'Ecuyer."""
    out = []
    zs = (0.16, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.86, 0.87, 0.9, 1, 1.1, 1.2, 1.3, 1.36,
          1.45, 1.48, 1.49, 1.6, 1.8, 1.99, 2.01, 2.5, 3, 4, 4.25, 6, 10, 15, 19.2, 19.3)
    sizes = (1, 2, 3, 4, 5, 6, 7, 10, 13, 20, 30, 50, 75, 100, 120, 139, 140, 141, 142, 160, 200, 300, 500, 999, 1000,
             1001, 2000, 5000, 9999, 10000, 10001, 20000, 50000, 100000, 100001, 200000, 500000, 1000000)
    for n in sizes:
        root = math.sqrt(n)
        ds = {z / root for z in zs}
        ds |= {0.4 / n, 0.5 / n, 0.51 / n, 0.75 / n, 1 / n, 1.2 / n, 2 / n, 2.5 / n, 3.3 / n}  # t small
        ds |= {0.4999, 0.5, 0.5001, 0.7, 1 - 1 / n, 1 - 0.5 / n, 0.999999}
        ds |= {(1.39 / n) ** (2 / 3), (1.41 / n) ** (2 / 3)}
        for d in sorted(d for d in ds if 0 < d < 1):
            out.append({"n": n, "d": d, "p": float(stats.kstwo.sf(d, n))})
    return out


def smirnov_beyond():
    """Twice Smirnov's sum for n > 1e6, where SciPy leaves it for a closed form."""
    out = []
    for n, z in [(1500001, 1.5), (2000000, 2.0), (3000000, 4.0)]:
        d = z / math.sqrt(n)
        j = np.arange(1, int(n * (1 - d)) + 1, dtype=np.longdouble)
        big, ld = np.longdouble(n), np.longdouble(d)

        def log_factorial(k):
            r = 1 / k
            series = r * (1 / np.longdouble(12) - r * r * (1 / np.longdouble(360) - r * r / np.longdouble(1260)))
            return k * np.log(k) - k + np.log(2 * np.longdouble(np.pi) * k) / 2 + series

        # Factorials below 20 need more than the series; those terms are below 1e-300 here.
        j = j[(j >= 20) & (j <= n - 20)]
        # In logarithms relative to n^n, so that the large parts cancel.
        a = ld + j / big
        log_c = (
            np.log(2 * np.longdouble(np.pi) * big) / 2
            - np.log(2 * np.longdouble(np.pi) * j) / 2
            - np.log(2 * np.longdouble(np.pi) * (big - j)) / 2
            + 1 / (12 * big) - 1 / (12 * j) + 1 / (360 * j**3) - 1 / (12 * (big - j)) + 1 / (360 * (big - j) ** 3)
        )
        exponent = j * np.log1p(big * ld / j) + (big - j) * np.log1p(-big * ld / (big - j))
        total = ld * np.sum(np.exp(log_c + exponent) / a)
        out.append({"n": n, "d": d, "p": float(2 * total), "scipy": float(stats.kstwo.sf(d, n))})
    return out


def chi_square_sf():
    out = []
    for df in (1, 2, 3, 5, 9, 10, 29, 100, 1000):
        for x in (1e-6, 0.01, 0.5, 1, 2, 3.84, 5, 10, 20, 50, 100, 300, 700, 900, 1000, 1200):
            out.append({"df": df, "x": x, "p": float(stats.chi2.sf(x, df))})
    return out


def balanced_v(a, b):
    p, q = a / a.sum(), b / b.sum()
    return math.sqrt(0.5 * np.sum((p - q) ** 2 / (p + q)))


def chi_square():
    tables = [
        ("textbook", [100, 100, 300], [90, 120, 290]),
        ("two cells", [95, 5], [80, 20]),
        ("two cells, correction larger than the difference", [50, 50], [50, 49]),
        ("two cells, equal", [50, 50], [50, 50]),
        ("unequal sizes", [10000, 20000, 70000], [200, 150, 650]),
        ("unseen", [500, 500, 0], [450, 450, 100]),
        ("vanished", [450, 450, 100], [500, 500, 0]),
        ("disjoint", [100, 100, 0, 0], [0, 0, 100, 100]),
        ("equal shares", [10, 20, 30, 40], [20, 40, 60, 80]),
        ("many", list(range(20, 60)), list(range(60, 20, -1))),
        ("tiny p", [9000, 1000], [1000, 9000]),
    ]
    out = []
    for name, a, b in tables:
        a, b = np.array(a), np.array(b)
        r = stats.chi2_contingency(np.array([a, b]), correction=True)
        out.append(
            {
                "name": name,
                "baseline": a.tolist(),
                "current": b.tolist(),
                "statistic": float(r.statistic),
                "p": float(r.pvalue),
                "df": int(r.dof),
                "v": balanced_v(a, b),
            }
        )
        if a.sum() == b.sum():
            usual = stats.contingency.association(np.array([a, b]), method="cramer")
            assert abs(usual - out[-1]["v"]) < 1e-12, name
    return out


def index(a, b):
    """PSI of counts with half a row added to each bin, and its p-value."""
    keep = (a + b) > 0
    a, b = a[keep], b[keep]
    n, m, k = a.sum(), b.sum(), len(a)
    if k < 2:
        return 0.0, 0, 1.0
    p, q = (a + 0.5) / (n + k / 2), (b + 0.5) / (m + k / 2)
    value = float(np.sum((q - p) * np.log(q / p)))
    return value, k - 1, float(stats.chi2.sf(value / (1 / n + 1 / m), k - 1))


def decile_counts(x, y):
    n = len(x)
    cuts = sorted({x[math.ceil(k * n / 10) - 1] for k in range(1, 11)})
    counts = []
    for v in (x, y):
        row, before = [], 0
        for c in cuts:
            atom = 10 * np.count_nonzero(x == c) >= n
            if not atom and c == x[-1]:
                continue
            if atom:
                below = np.count_nonzero(v < c)
                row.append(below - before)
                before = below
            upto = np.count_nonzero(v <= c)
            row.append(upto - before)
            before = upto
        row.append(len(v) - before)
        counts.append(np.array(row))
    return counts


SPARSE = {"values": [0.0] * 950 + [i / 50 for i in range(1, 51)]}
SPARSE_LESS = {"values": [0.0] * 300 + [i / 700 for i in range(1, 701)]}


def psi():
    pairs = [p for p in PAIRS if len(draw(p[1])) <= 12000]
    pairs.append(("95 % zeros against 30 %", SPARSE, SPARSE_LESS))
    pairs.append(("30 % zeros against 95 %", SPARSE_LESS, SPARSE))
    out = []
    for name, first, second in pairs:
        a, b = decile_counts(draw(first), draw(second))
        value, df, p = index(a, b)
        out.append(
            {
                "name": name,
                "baseline": first,
                "current": second,
                "baseline_counts": a.tolist(),
                "current_counts": b.tolist(),
                "psi": value,
                "df": df,
                "p": p,
            }
        )
    return out


def exact_fisher(a, b, c, d):
    """The two-sided p-value in rational numbers; SciPy's loses digits to large sizes."""
    row, column, total = a + b, a + c, a + b + c + d
    support = range(max(0, row + column - total), min(row, column) + 1)
    ways = [math.comb(row, x) * math.comb(total - row, column - x) for x in support]
    p = float(Fraction(sum(w for w in ways if w <= ways[a - support[0]]), sum(ways)))
    assert math.isclose(p, stats.fisher_exact([[a, b], [c, d]]).pvalue, rel_tol=1e-8)
    return p


def missing():
    tables = [(0, 100, 0, 200), (100, 100, 200, 200), (0, 100, 100, 100), (100, 100, 0, 100), (50, 1000, 80, 1000),
              (50, 1000, 50, 1000), (500, 1000, 620, 1000), (990, 1000, 940, 1000), (10000, 1000000, 300, 1000),
              (300000, 1000000, 250000, 900000), (0, 30, 30, 30), (1, 30, 4, 30), (2, 1000, 9, 500), (0, 1000000, 3, 40),
              (3, 1000000, 0, 1000000), (998, 1000, 30, 31), (1, 1, 0, 1), (1, 1, 1, 2), (7, 12000, 2, 900),
              (4, 100, 4, 100), (4, 100, 5, 100), (500, 10000, 14, 100), (1000, 10000, 131, 1000)]
    out = []
    for k, n, l, m in tables:
        pooled = (k + l) / (n + m)
        expected = min(pooled, 1 - pooled) * min(n, m)
        z, p, exact = 0.0, 1.0, True
        if 0 < k + l < n + m:
            z = (l / m - k / n) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
            # The skewness of a cell, which is hypergeometric: of few rows beside many the normal tail says too little.
            sigma = math.sqrt((k + l) * (1 - pooled) * (n / (n + m)) * (m / (n + m)))
            exact = expected < 5 or abs(1 - 2 * pooled) * abs(n - m) / (n + m) / sigma > 0.1
            if exact:
                p = exact_fisher(k, n - k, l, m - l)
            else:
                p = float(2 * stats.norm.sf(abs(z)))
        out.append({"baseline": [k, n], "current": [l, m], "z": z, "p": p, "exact": exact})
    return out


def fisher():
    tables = [(3, 1, 1, 3), (8, 2, 1, 5), (10, 10, 10, 10), (0, 5, 5, 0), (1, 0, 0, 1), (12, 5, 29, 2), (6, 2, 1, 4),
              (2, 31, 136, 15532), (200, 300, 250, 310), (1000, 2000, 1100, 1900), (1, 999, 30, 970), (0, 0, 3, 4),
              (5, 0, 7, 0), (50, 2, 3, 60), (100, 1, 1, 100), (400, 3, 5, 380)]
    return [{"table": list(t), "p": exact_fisher(*t)} for t in tables]


def false_discovery():
    families = [[0.05], [0.01, 0.02, 0.03, 0.04, 0.05], [1, 1, 1], [0, 0.5, 1],
                [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.222, 0.251, 0.269, 0.275, 0.34],
                [0.9, 0.0001, 0.5, 0.0001, 0.03], splitmix(99, 200).tolist()]
    return [{"p": f, "q": stats.false_discovery_control(np.array(f, dtype=float), method="bh").tolist()} for f in families]


def summaries():
    out = []
    for spec in ({"values": A}, {"values": [5]}, {"values": [1, 2]}, made(50, 1000), made(51, 777, levels=4)):
        x = draw(spec)
        probs = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
        out.append(
            {
                "sample": spec,
                "mean": float(x.mean()),
                "std": float(x.std(ddof=1)) if len(x) > 1 else None,
                "min": float(x[0]),
                "max": float(x[-1]),
                "quantiles": np.quantile(x, probs).tolist(),
            }
        )
    return out


def main():
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__},
        "ks_samples": ks_samples(),
        "ks_exact": ks_exact(),
        "kstwo": kstwo(),
        "smirnov_beyond": smirnov_beyond(),
        "chi_square_sf": chi_square_sf(),
        "chi_square": chi_square(),
        "psi": psi(),
        "missing": missing(),
        "fisher": fisher(),
        "false_discovery": false_discovery(),
        "summaries": summaries(),
    }
    # One case a line keeps differences readable.
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            cases = ",\n".join("    " + json.dumps(case, allow_nan=False) for case in value)
            lines.append(f'  "{key}": [\n{cases}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
