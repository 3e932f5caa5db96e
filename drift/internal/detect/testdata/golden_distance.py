#!/usr/bin/env python3
"""Writes golden_distance.json: distances by the conventions of Evidently and NannyML, computed by these themselves.

Made by `make golden`; the versions used are written into the file. The conventions that are this platform's own (deciles of the baseline,
pooled categories, half a row in every bin) are computed here from their definition, apart from the Go code. Samples are made from a seed as golden.py does.
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
from samples import draw, made
from scipy.spatial.distance import jensenshannon

# Evidently imports this function, which pandas 3 no longer has, for a check that is not used here.
common.infer_dtype_from_object = None

import evidently
from evidently.legacy.calculations.stattests.hellinger_distance import _hellinger_distance
from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
from evidently.legacy.calculations.stattests.kl_div import _kl_div
from evidently.legacy.calculations.stattests.psi import _psi
from evidently.legacy.calculations.stattests.tvd_stattest import _total_variation_distance
from evidently.legacy.core import ColumnType

warnings.filterwarnings("ignore")

PAIRS = [
    ("null", made(101, 500), made(102, 400)),
    ("shift", made(103, 1000), made(104, 800, shift=0.1)),
    ("narrower", made(105, 700), made(106, 650, scale=0.5, shift=0.25)),
    ("wider", made(107, 700), made(108, 650, scale=2, shift=-0.5)),
    ("disjoint", made(109, 300), made(110, 200, shift=2)),
    ("power of two", made(111, 512), made(112, 512, shift=0.03)),
    ("small", made(113, 31), made(114, 40, shift=0.2)),
    ("skewed", {"values": [round(1.02**i, 6) for i in range(300)]}, {"values": [round(1.021**i, 6) for i in range(310)]}),
    ("very skewed", {"values": [float(i) for i in range(99)] + [5000.0]}, {"values": [float(i) for i in range(3, 120)]}),
    ("eight values", made(115, 300, levels=8), made(116, 280, levels=8, shift=0.125)),
    ("two values", {"values": [0.0] * 60 + [1.0] * 40}, {"values": [0.0] * 20 + [1.0] * 50}),
    ("one value", {"values": [3.0] * 40}, {"values": [3.0] * 30}),
    ("one value, moved", {"values": [3.0] * 40}, {"values": [4.0] * 30}),
    ("mostly zero", made(117, 400, shift=-0.8, scale=1.0), made(118, 390, shift=-0.7, scale=1.0)),
    ("large numbers", made(119, 400, shift=1e9), made(120, 300, shift=1e9 + 0.2)),
    ("twenty values", made(123, 600, levels=20), made(124, 500, levels=20)),
    ("twenty-one values", made(125, 600, levels=21), made(126, 500, levels=21)),
    ("many rows", made(121, 5000), made(122, 4000, scale=1.1)),
]
# Columns that pandas holds as integers.
INTEGERS = [
    ("integers, narrow", made(131, 600, levels=64, scale=64), made(132, 500, levels=64, scale=64, shift=4)),
    ("integers, narrower", made(133, 4000, levels=32, scale=32), made(134, 3000, levels=32, scale=32, shift=1)),
    ("integers, wide", made(137, 600, levels=65536, scale=65536), made(138, 500, levels=65536, scale=65536, shift=3000)),
    ("integers, two values", {"values": [0] * 60 + [1] * 40}, {"values": [0] * 20 + [1] * 50}),
    ("integers, three values", {"values": [0] * 60 + [1] * 40 + [2] * 9}, {"values": [0] * 20 + [1] * 50 + [2] * 20}),
]
CATEGORIES = [
    ("equal", [50, 30, 20], [100, 60, 40]),
    ("changed", [500, 300, 200], [300, 300, 300]),
    ("unseen", [500, 300, 0], [300, 300, 50]),
    ("vanished", [500, 300, 100], [300, 300, 0]),
    ("unseen and vanished", [90, 0, 60, 40, 3], [50, 30, 0, 40, 2]),
    ("nothing in common", [100, 100, 0, 0], [0, 0, 50, 50]),
    ("one", [100], [60]),
    ("share below the fill", [100000, 3, 0, 20000], [70000, 0, 2, 15000]),
    ("many", [40 + (i * 7919) % 97 for i in range(60)], [30 + (i * 104729) % 83 for i in range(60)]),
]


def nanny(method, reference, current):
    m = method(chunker=DefaultChunker(), threshold=ConstantThreshold(lower=None, upper=1))
    m.fit(pd.Series(reference, name="x"))
    return float(m.calculate(pd.Series(current, name="x")))


def evid(function, kind, reference, current):
    return float(function(pd.Series(reference), pd.Series(current), kind, 0.1)[0])


def deciles(x, y):
    """The counts of psi/decile-ref: cuts at order statistics, values of a tenth or more apart."""
    n, cuts = len(x), []
    for k in range(1, 11):
        v = x[-(-k * n // 10) - 1]
        if cuts and cuts[-1][0] == v:
            continue
        heavy = np.sum(x == v) * 10 >= n
        if heavy or k < 10:
            cuts.append((v, heavy))
    counts = [[], []]
    for side, values in enumerate((x, y)):
        done = 0
        for v, heavy in cuts:
            if heavy:
                counts[side].append(int(np.sum(values < v)) - done)
                counts[side].append(int(np.sum(values == v)))
            else:
                counts[side].append(int(np.sum(values <= v)) - done)
            done = int(np.sum(values <= v))
        counts[side].append(len(values) - done)
    return counts


def own(a, b):
    """Distances by definition, with fsum for the sums."""
    filled = [(i, j) for i, j in zip(a, b) if i + j > 0]
    n, m, k = sum(a), sum(b), len(filled)
    p, q = np.array([i / n for i, _ in filled]), np.array([j / m for _, j in filled])
    ph = [(i + 0.5) / (n + k / 2) for i, _ in filled]
    qh = [(j + 0.5) / (m + k / 2) for _, j in filled]
    return {
        "js": float(jensenshannon(p, q, 2)),
        "hellinger": math.sqrt(math.fsum((math.sqrt(i) - math.sqrt(j)) ** 2 for i, j in zip(p, q)) / 2),
        "kl": math.fsum(i * math.log(i / j) for i, j in zip(ph, qh)),
        "l-infinity": float(max(abs(p - q))),
        "total-variation": math.fsum(abs(p - q)) / 2,
    }


def numeric(name, first, second, whole=False):
    x, y = draw(first), draw(second)
    values = {f"{test}/decile-ref": v for test, v in own(*deciles(x, y)).items()}
    values["js/base2-doane"] = nanny(methods.ContinuousJensenShannonDistance, x, y)
    values["hellinger/doane"] = nanny(methods.ContinuousHellingerDistance, x, y)
    for suffix, kind in (("", float), ("-int", int)) if whole else (("", float),):
        u, v = x.astype(kind), y.astype(kind)
        values["psi/evidently" + suffix] = evid(_psi, ColumnType.Numerical, u, v)
        values["js/nats-sturges" + suffix] = evid(_jensenshannon, ColumnType.Numerical, u, v)
        values["kl/evidently" + suffix] = evid(_kl_div, ColumnType.Numerical, u, v)
        values["hellinger/sturges" + suffix] = evid(_hellinger_distance, ColumnType.Numerical, u, v)
    return {"name": name, "baseline": first, "current": second, "distances": values}


def categorical(name, a, b):
    keys = [f"c{i:03d}" for i in range(len(a))]
    x, y = np.repeat(keys, a), np.repeat(keys, b)
    return {
        "name": name,
        "baseline_counts": a,
        "current_counts": b,
        "distances": {
            "psi/evidently": evid(_psi, ColumnType.Categorical, x, y),
            "js/nats-category": evid(_jensenshannon, ColumnType.Categorical, x, y),
            "kl/evidently": evid(_kl_div, ColumnType.Categorical, x, y),
            "hellinger/every-category": evid(_hellinger_distance, ColumnType.Categorical, x, y),
            "total-variation/every-category": float(_total_variation_distance(pd.Series(x), pd.Series(y))),
            "js/base2-category": nanny(methods.CategoricalJensenShannonDistance, x, y),
            "l-infinity/every-category": nanny(methods.LInfinityDistance, x, y),
        },
    }


out = {
    "versions": {m.__name__: m.__version__ for m in (evidently, nannyml, np, scipy, pd)},
    "numeric": [numeric(*p) for p in PAIRS] + [numeric(*p, whole=True) for p in INTEGERS],
    "categorical": [categorical(*p) for p in CATEGORIES],
}

# One case a line keeps differences readable.
lines = [f'  "versions": {json.dumps(out["versions"])}']
for key in ("numeric", "categorical"):
    lines.append(f'  "{key}": [\n' + ",\n".join("    " + json.dumps(case, allow_nan=False) for case in out[key]) + "\n  ]")
pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
