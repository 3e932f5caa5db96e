#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of the package rank expect.

Made by `make golden`; the versions used are written into the file. Statistics and p-values come from SciPy, with these
exceptions, computed here from the definition and apart from the Go code:

* Cramér–von Mises with ties: Anderson's definition over the pooled values, in
  rational numbers. SciPy's midranks are another statistic then.
* The limiting laws in the tail: the distribution of the sum of the first
  weighted chi-squares by Imhof's integral and a chi-square for the rest.
* AD's p-value: the same law; SciPy interpolates a table and clips it.
* The spread's effect and Cohen's d, which SciPy does not have.

Samples are listed, or made from a seed by splitmix64, which the Go tests repeat.
"""

import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import scipy
from scipy import integrate, special, stats

from samples import draw, made, splitmix

A = [0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2]
B = [0.9, 1.5, 2.1, 2.6, 3.3, 3.9, 4.4, 5.0, 5.7, 6.1, 6.6, 7.2]

PAIRS = [
    ("textbook", {"values": A}, {"values": B}),
    ("textbook reversed", {"values": B}, {"values": A}),
    ("two against three", {"values": [1, 2]}, {"values": [1.5, 3, 4]}),
    ("two levels", {"values": [0] * 95 + [1] * 5}, {"values": [0] * 30 + [1] * 70}),
    ("negative and zero", {"values": [-2, -1, 0, 0, 0, 1]}, {"values": [-1, 0, 0, 5]}),
    ("disjoint", made(1, 60), made(2, 45, shift=2)),
    ("inside", made(3, 200), made(4, 150, scale=0.25, shift=0.4)),
    ("19 against 20", made(60, 19), made(61, 20, shift=0.2)),
    ("20 against 20", made(62, 20), made(63, 20, shift=0.1)),
    ("30 against 40", made(64, 30), made(65, 40, shift=0.2)),
    ("40 against 40, apart", made(66, 40), made(67, 40, shift=0.9)),
    ("equal sizes, null", made(5, 500), made(6, 500)),
    ("equal sizes, shift", made(7, 500), made(8, 500, shift=0.1)),
    ("coprime, null", made(9, 997), made(10, 1009)),
    ("very unequal", made(15, 9000), made(16, 31, shift=0.1)),
    ("ties, 10 levels", made(17, 300, levels=10), made(18, 280, levels=10)),
    ("ties, 3 levels", made(19, 1000, levels=3), made(20, 70, levels=3)),
    ("ties, 1000 levels", made(23, 12000, levels=1000), made(24, 11000, levels=1000)),
    ("large, null", made(36, 20000), made(37, 30000)),
    ("large, small shift", made(38, 20000), made(39, 30000, shift=0.02)),
    ("large, far from zero", made(40, 20000, shift=1e6), made(41, 15000, shift=1e6 + 0.01)),
    ("large, scale", made(42, 40000), made(43, 15000, scale=0.97, shift=0.015)),
    ("huge values", made(44, 100, scale=1e200), made(45, 120, scale=2e200)),
    ("tiny values", made(46, 100, scale=1e-200), made(47, 120, scale=2e-200)),
]


def counts(x, y):
    """Counts at or below, and multiplicity of, every distinct pooled value."""
    z = np.concatenate([x, y])
    v, l = np.unique(z, return_counts=True)
    return v, l, np.searchsorted(x, v, "right"), np.searchsorted(y, v, "right")


def anderson_t(x, y):
    """nm/N² Σ(F−G)² over the pooled values, exactly."""
    n, m = len(x), len(y)
    _, l, i, j = counts(x, y)
    total = sum(int(w) * (int(a) * m - int(b) * n) ** 2 for w, a, b in zip(l, i, j))
    return float(Fraction(total, n * m * (n + m) ** 2))


def imhof(x, weights):
    """P(Σ w χ²_1 > x) by J. P. Imhof (1961)."""
    w = np.array(weights)

    def integrand(u):
        theta = 0.5 * np.sum(np.arctan(w * u)) - 0.5 * x * u
        rho = np.exp(0.25 * np.sum(np.log1p((w * u) ** 2)))
        return np.sin(theta) / (u * rho)

    value, _ = integrate.quad(integrand, 0, 4000, limit=20000, epsabs=1e-13, epsrel=1e-12)
    return 0.5 + value / math.pi


def laws():
    """The limits, by Imhof's integral over 4,000 terms and the mean of those left out."""
    out = []
    j = np.arange(1, 4001)
    for name, w, mean, xs in (
        ("cramer", 1 / (math.pi * j) ** 2, 1 / 6, (0.05, 0.1, 0.2, 0.34730, 0.46136, 0.74346, 1.16204, 2.0)),
        ("anderson", 1 / (j * (j + 1.0)), 1.0, (0.3, 0.5, 0.9, 1.248, 1.933, 2.492, 3.878, 6.0, 10.0)),
    ):
        rest = mean - w.sum()
        for x in xs:
            out.append({"law": name, "x": x, "p": imhof(x - rest, w)})
    return out


def compare(name, first, second):
    x, y = draw(first), draw(second)
    n, m = len(x), len(y)
    huge = "values" in name
    case = {"name": name, "baseline": first, "current": second}
    tied = len(np.unique(np.concatenate([x, y]))) < n + m
    cvm = stats.cramervonmises_2samp(x, y)
    case["cvm"] = anderson_t(x, y)
    if not tied:
        assert math.isclose(case["cvm"], cvm.statistic, rel_tol=1e-9, abs_tol=1e-9), name
        case["cvm_p"] = float(cvm.pvalue)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ad = stats.anderson_ksamp([x, y], variant="midrank") if n + m > 4 else None
        right = stats.anderson_ksamp([x, y], variant="right") if n + m > 4 else None
        table = np.array(ad.critical_values) if ad is not None and hasattr(ad, "critical_values") else None
    case["ad"], case["ad_p"] = float(ad.statistic), float(ad.pvalue)
    case["ad_right"] = float(right.statistic)
    exact = not tied and max(n, m) <= 40
    mw = stats.mannwhitneyu(x, y, method="exact" if exact else "asymptotic")
    case["u"], case["u_p"] = float(mw.statistic), float(mw.pvalue)
    s = 1.0
    if huge:  # SciPy overflows or underflows; these are all homogeneous
        s = 1e-200 if "huge" in name else 1e200
    x, y = x * s, y * s
    t = stats.ttest_ind(y, x, equal_var=False)
    case["t"], case["t_df"], case["t_p"] = float(t.statistic), float(t.df), float(t.pvalue)
    case["cohen_d"] = float((y.mean() - x.mean()) / math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2))
    lev = stats.levene(x, y, center="median")
    case["levene"], case["levene_p"] = float(lev.statistic), float(lev.pvalue)
    a, b = np.abs(x - np.median(x)).mean(), np.abs(y - np.median(y)).mean()
    case["spread"] = float((1 - min(a, b) / max(a, b)) * np.sign(b - a)) if max(a, b) > 0 else 0.0
    w = stats.wasserstein_distance(x, y)
    case["wasserstein"] = float(w / s)
    case["wasserstein_std"] = float(w / x.std(ddof=1))
    iqr = np.subtract(*np.quantile(x, [0.75, 0.25]))
    case["wasserstein_iqr"] = float(w / iqr) if iqr > 0 else None
    case["wasserstein_evidently"] = float(w / max(x.std(), 0.001 * s))
    e = stats.energy_distance(x, y)
    case["energy"] = float(e / math.sqrt(s))
    # E|X − Y| over the distinct values
    v, _, i, j = counts(x, y)
    f, g = i / n, j / m
    between = float(np.sum((f * (1 - g) + g * (1 - f))[:-1] * np.diff(v)))
    case["inhomogeneity"] = math.sqrt(e * e / (2 * between)) if between > 0 else 0.0
    return case


def student():
    out = []
    for df in (1, 2, 3.5, 10, 58.3, 1000, 4999, 5001, 1e5, 1e6, 2e6, 1e8):
        for t in (0.01, 0.5, 1, 1.96, 3, 6, 10, 20, 37):
            out.append({"df": df, "t": t, "p": float(2 * stats.t.sf(t, df))})
    return out


def evidently_scores():
    """Evidently's own normed distance."""
    import pandas as pd
    import pandas.core.dtypes.common as common

    # Evidently 0.7 imports a name that pandas 3 has moved; nothing here uses it.
    if not hasattr(common, "infer_dtype_from_object"):
        common.infer_dtype_from_object = None
    import evidently
    from evidently.legacy.calculations.stattests.wasserstein_distance_norm import wasserstein_stat_test
    from evidently.legacy.core import ColumnType

    out = []
    for name in ("textbook", "equal sizes, shift", "ties, 10 levels", "large, scale"):
        first, second = next((a, b) for n, a, b in PAIRS if n == name)
        r = wasserstein_stat_test.func(pd.Series(draw(first)), pd.Series(draw(second)), ColumnType.Numerical, 0.1)
        score = r[0] if isinstance(r, tuple) else r.drift_score
        out.append({"name": name, "score": float(score)})
    return evidently.__version__, out


def main():
    version, scores = evidently_scores()
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "evidently": version},
        "pairs": [compare(*p) for p in PAIRS],
        "laws": laws(),
        "student": student(),
        "evidently": scores,
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    with path.open("w") as f:
        f.write("{\n")
        for i, (key, value) in enumerate(golden.items()):
            f.write(f"  {json.dumps(key)}: ")
            if isinstance(value, list):
                f.write("[\n" + ",\n".join("    " + json.dumps(v) for v in value) + "\n  ]")
            else:
                f.write(json.dumps(value))
            f.write(",\n" if i < len(golden) - 1 else "\n")
        f.write("}\n")


if __name__ == "__main__":
    main()
