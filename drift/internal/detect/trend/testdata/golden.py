#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of trend expect.

Made by `make golden`; the versions used are written into the file. Slopes and exact p-values are SciPy's, the corrected test
pymannkendall's, segments those of ruptures' PELT (L2 cost, jump 1), and the F test of a wave NumPy's least squares. Noise comes from a seed by splitmix64, which the Go tests repeat.
"""

import json
import pathlib
from importlib.metadata import version

import numpy as np
import pymannkendall as mk
import ruptures
import scipy
from scipy import stats

from samples import splitmix


def make(spec):
    """Times in days, irregular when asked, and values: noise + slope + a step in the middle, rounded to levels, with memory."""
    n = spec["n"]
    u, w = splitmix(spec["seed"], n), splitmix(spec["seed"] + 1, n)
    days = np.empty(n)
    total = 0.0
    for i in range(n):
        days[i] = total
        total += 1.0 if not spec["irregular"] else np.floor(1 + 1000 * w[i]) / 1000
    values, memory = np.empty(n), 0.0
    for i in range(n):
        memory = spec["memory"] * memory + u[i]
        values[i] = memory + spec["slope"] * days[i] + (spec["step"] if 2 * i >= n else 0.0)
    if spec["levels"]:
        values = np.floor(values * spec["levels"])
    return days, values


def spec(seed, n, slope=0.0, step=0.0, levels=0, memory=0.0, irregular=False):
    return {"seed": seed, "n": n, "slope": slope, "step": step, "levels": levels, "memory": memory, "irregular": irregular}


def wave(days, values, period):
    ones = np.ones_like(days)
    line = np.column_stack([ones, days])
    full = np.column_stack([line, np.cos(2 * np.pi * days / period), np.sin(2 * np.pi * days / period)])
    rss = [np.sum((values - a @ np.linalg.lstsq(a, values, rcond=None)[0]) ** 2) for a in (line, full)]
    return float((rss[0] - rss[1]) / rss[0])


cases = []
for s in (
    spec(1, 8), spec(2, 12, slope=0.1), spec(3, 30), spec(4, 50, slope=-0.02), spec(5, 51, slope=0.01), spec(6, 200),
    spec(7, 200, irregular=True, slope=0.003), spec(8, 100, levels=5), spec(9, 100, levels=3, slope=0.01, irregular=True),
    spec(10, 150, memory=0.7), spec(11, 150, memory=0.5, slope=0.02), spec(12, 90, step=2.0), spec(13, 120, step=-1.0, levels=4),
    spec(14, 400, step=0.5, memory=0.3), spec(15, 60, levels=2),
):
    days, values = make(s)
    slope, intercept, low, high = stats.theilslopes(values, days, alpha=0.95)
    tau = stats.kendalltau(np.arange(len(values)), values)
    untied = len(np.unique(values)) == len(values)
    exact = stats.kendalltau(np.arange(len(values)), values, method="exact").pvalue if untied and s["n"] <= 50 else None
    plain = mk.original_test(values)
    corrected = mk.hamed_rao_modification_test(values)
    penalty = 3 * np.log(len(values)) * np.var(np.diff(values)) / 2
    ends = ruptures.Pelt(model="l2", min_size=5, jump=1).fit(values.reshape(-1, 1)).predict(pen=penalty)
    cases.append({
        **s, "sum": float(values.sum()), "theilsen": [float(slope), float(intercept), float(low), float(high)], "tau": float(tau.statistic),
        "exact_p": None if exact is None else float(exact), "s": int(plain.s), "normal_p": float(plain.p),
        "inflation": float(corrected.var_s / plain.var_s), "penalty": float(penalty), "starts": [int(e) for e in ends[:-1]],
        "unit_slope": float(corrected.slope), "weekly_strength": wave(days, values, 7.0),
    })

out = {
    "numpy": np.__version__, "scipy": scipy.__version__, "pymannkendall": version("pymannkendall"), "ruptures": version("ruptures"),
    "cases": cases,
}
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(json.dumps(out, indent=1) + "\n")
