#!/usr/bin/env python3
"""Prints how often the peers' tests, with their own defaults, call changed samples drifted: peers.py BASELINE CURRENT DRAWS.

SciPy's tests at p <= 0.05. Evidently's and NannyML's as they come: their default test for the size, their default threshold. Run by
`make calibrate`.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from scipy import stats

warnings.filterwarnings("ignore")

from pandas.core.dtypes import common  # noqa: E402

# Evidently imports this function, which pandas 3 no longer has, for a check that is not used here.
common.infer_dtype_from_object = None

from evidently.legacy.calculations.stattests import get_stattest  # noqa: E402
from evidently.legacy.core import ColumnType  # noqa: E402
from nannyml.chunk import DefaultChunker  # noqa: E402
from nannyml.drift.univariate import methods  # noqa: E402
from nannyml.thresholds import ConstantThreshold  # noqa: E402

n, m, draws = map(int, sys.argv[1:])


def outlier(rng):
    x = rng.standard_normal(m) + 1
    x[x.argmax()] = 1e6
    return x


changes = {f"shift {d:g} σ": (lambda rng, d=d: rng.standard_normal(m) + d) for d in (0, 0.1, 0.2, 0.3, 0.5, 1)}
changes |= {f"scale × {s:g}": (lambda rng, s=s: rng.standard_normal(m) * s) for s in (1.2, 1.5, 2)}
changes["shape: exponential"] = lambda rng: rng.exponential(size=m) - 1
changes["shape: t₃"] = lambda rng: rng.standard_t(3, m) / np.sqrt(3)
changes["one outlier, shift 1 σ"] = outlier


def p(test):
    return lambda a, b: test(a, b).pvalue <= 0.05


def evidently(name, threshold=None):
    def drifted(a, b):
        a, b = pd.Series(a), pd.Series(b)
        test = get_stattest(a, b, ColumnType.Numerical, name)
        return bool(test(a, b, ColumnType.Numerical, threshold).drifted)

    return drifted


def nannyml(make):
    def drifted(a, b):
        method = make(chunker=DefaultChunker(), threshold=ConstantThreshold(lower=None, upper=0.1))
        method.fit(pd.Series(a, name="x"))
        return bool(method.calculate(pd.Series(b, name="x")) > 0.1)  # NannyML's default threshold

    return drifted


tests = {
    "SciPy ks_2samp": p(stats.ks_2samp),
    "SciPy cramervonmises_2samp": p(lambda a, b: stats.cramervonmises_2samp(a, b, method="asymptotic")),
    "SciPy anderson_ksamp": p(lambda a, b: stats.anderson_ksamp([a, b], variant="midrank")),
    "SciPy mannwhitneyu": p(stats.mannwhitneyu),
    "SciPy ttest_ind": p(lambda a, b: stats.ttest_ind(a, b, equal_var=False)),
    f"Evidently's default for {n} rows": evidently(None),
    "Evidently psi": evidently("psi"),
    "Evidently jensenshannon": evidently("jensenshannon"),
    "NannyML jensen_shannon": nannyml(methods.ContinuousJensenShannonDistance),
    "NannyML hellinger": nannyml(methods.ContinuousHellingerDistance),
}

found = {name: dict.fromkeys(changes, 0) for name in tests}
for c, (change, make) in enumerate(changes.items()):
    for i in range(draws):
        rng = np.random.default_rng([c, i])
        baseline, current = rng.standard_normal(n), make(rng)
        for name, test in tests.items():
            found[name][change] += bool(test(baseline, current))

print(json.dumps([{"name": name, "found": f} for name, f in found.items()]))
