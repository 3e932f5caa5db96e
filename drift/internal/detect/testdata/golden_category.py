#!/usr/bin/env python3
"""Writes golden_category.json: tests of categories as SciPy, Evidently and NannyML make them, for the versions written into the file.

Made by `make golden`. Bergsma's V is computed here from its definition.
"""

import json
import math
import pathlib
import warnings

import nannyml
import numpy as np
import pandas as pd
import scipy
from nannyml.chunk import DefaultChunker
from nannyml.drift.univariate import methods
from nannyml.thresholds import ConstantThreshold
from pandas.core.dtypes import common
from scipy import stats
from scipy.stats.contingency import association

# Evidently imports this function, which pandas 3 no longer has, for a check that is not used here.
common.infer_dtype_from_object = None

import evidently
from evidently.legacy.calculations.stattests.chisquare_stattest import _chi_stat_test
from evidently.legacy.calculations.stattests.z_stattest import _z_stat_test, proportions_diff_z_stat_ind
from evidently.legacy.core import ColumnType

warnings.filterwarnings("ignore")

# No category is so rare that homogeneity would pool it.
TABLES = [
    ("equal", [50, 30, 20], [100, 60, 40]),
    ("changed", [500, 300, 200], [300, 300, 300]),
    ("little changed", [5000, 3000, 2000], [490, 310, 200]),
    ("vanished", [500, 300, 100], [300, 300, 0]),
    ("nothing in common", [100, 100, 0, 0], [0, 0, 50, 50]),
    ("many", [40 + (i * 7919) % 97 for i in range(40)], [30 + (i * 104729) % 83 for i in range(40)]),
    ("two", [70, 30], [50, 50]),
    ("two, equal", [70, 30], [140, 60]),
    ("two, nearly equal", [70, 31], [70, 30]),
    ("two, rare", [995, 5], [480, 20]),
    ("two, very rare", [20, 1], [15, 5]),
    ("two, large", [900000, 100000], [898000, 102000]),
    ("two, nothing in common", [40, 0], [0, 50]),
    ("two, boolean that vanished", [40, 10], [50, 0]),
]


def expand(counts):
    return pd.Series(np.repeat([f"c{i:03d}" for i in range(len(counts))], counts), name="x")


def nanny(a, b):
    m = methods.Chi2Statistic(chunker=DefaultChunker(), threshold=ConstantThreshold(lower=None, upper=None))
    m._fit(expand(a))
    return m._calc_chi2(expand(b))


def bergsma(table):
    n, k = table.sum(), table.shape[1]
    chi = stats.chi2_contingency(table, correction=False)[0]
    phi = max(0.0, chi / n - (k - 1) / (n - 1))
    return math.sqrt(phi / min(k - (k - 1) ** 2 / (n - 1) - 1, 2 - 1 / (n - 1) - 1))


def case(name, a, b):
    table = np.array([a, b])
    out = {"name": name, "baseline_counts": a, "current_counts": b, "tests": {}}
    tests = out["tests"]

    def add(convention, statistic, p, effect=None):
        tests[convention] = {"statistic": float(statistic), "p": float(p), "effect": None if effect is None else float(effect)}

    chi, chi_p, _, _ = stats.chi2_contingency(table)
    add("chi-square/homogeneity", chi, chi_p)
    nanny_chi, nanny_p = nanny(a, b)
    add("chi-square/contingency", nanny_chi, nanny_p, association(table, "cramer"))
    add("chi-square/bias-corrected", chi, chi_p, bergsma(table))
    g, g_p, _, _ = stats.chi2_contingency(table, lambda_="log-likelihood")
    add("g/homogeneity", g, g_p)
    add("g/contingency", g, g_p, association(table, "cramer"))
    if all(i > 0 for i in a):
        share = sum(b) / sum(a)
        add("chi-square/evidently", stats.chisquare(b, [i * share for i in a])[0], _chi_stat_test(expand(a), expand(b), ColumnType.Categorical, 0.05)[0])
    if len(a) == 2:
        difference = abs(b[1] / sum(b) - a[1] / sum(a))
        codes = [np.repeat([0, 1], counts) for counts in (a, b)]
        z = -proportions_diff_z_stat_ind(*codes)
        # Evidently's 1 − Φ has no digits left of a p-value below 1e-16.
        z_p = float(_z_stat_test(expand(a), expand(b), ColumnType.Categorical, 0.05)[0])
        add("two-proportion/evidently", z, 2 * stats.norm.sf(abs(z)) if z_p < 1e-8 else z_p, difference)
        fisher = stats.fisher_exact(table)[1]
        n, m = sum(a), sum(b)
        pooled = (a[0] + b[0]) / (n + m)
        sigma = np.sqrt((n + m) * pooled * (1 - pooled) * n * m) / (n + m)
        skewness = abs(1 - 2 * pooled) * abs(n - m) / (n + m) / sigma
        small = stats.contingency.expected_freq(table).min() < 5 or skewness > 0.1
        add("two-proportion/pooled", z, fisher if small else 2 * stats.norm.sf(abs(z)), difference)
        haldane = table + 0.5
        add("fisher/two-sided", haldane[1, 1] * haldane[0, 0] / (haldane[1, 0] * haldane[0, 1]), fisher, difference)
    return out


cases = [case(*t) for t in TABLES]
lines = [f'  "versions": {json.dumps({m.__name__: m.__version__ for m in (evidently, nannyml, np, scipy, pd)})}']
lines.append('  "tables": [\n' + ",\n".join("    " + json.dumps(c, allow_nan=False) for c in cases) + "\n  ]")
pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
