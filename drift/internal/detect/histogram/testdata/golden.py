#!/usr/bin/env python3
"""Writes golden.json: the edges and counts of numpy.histogram, for the version that is written into the file.

Made by `make golden`.
"""

import json
import math
import pathlib

import numpy as np

A = [0.1, 0.4, 0.7, 1.2, 1.9, 2.3, 2.8, 3.1, 3.5, 4.2]
SAMPLES = [
    ("ten", A),
    ("one", [2.5]),
    ("two", [1.0, 2.0]),
    ("three", [1.0, 2.0, 5.0]),
    ("equal", [7.0] * 20),
    ("two values", [0.0] * 30 + [1.0] * 10),
    ("skewed", [math.exp(i / 20) for i in range(100)]),
    ("skewed left", [-math.exp(i / 20) for i in range(100)]),
    ("very skewed", [1.0] * 500 + [1e6]),
    ("power of two", [float(i) for i in range(128)]),
    ("on the edges", [i / 8 for i in range(65)]),
    ("negative zero", [-1.0, -0.0, 0.0, 0.0, 1.0, 3.0]),
    ("offset", [1e9 + i / 16 for i in range(50)]),
    ("huge", [-8e307, -1e307, 0.0, 1e307, 8e307]),
    ("tiny", [i * 1e-300 for i in range(40)]),
    ("subnormal", [i * 5e-324 for i in range(0, 4000, 100)]),
    ("heavy tail", [math.tan(i / 100 * math.pi) for i in range(-49, 50)]),
]
# Sturges' rule needs only these. Whole numbers are of an integer type.
RULES = [(n, low, high, whole) for n in (1, 2, 3, 64, 1000, 1024, 1 << 20) for low, high in ((0, 1), (0, 7), (-5, 16), (3, 3000), (4, 4)) for whole in (False, True)]


def edges(values, rule):
    try:
        return [float(e) for e in np.histogram_bin_edges(values, rule)]
    except ValueError:
        return None


samples = []
for name, values in SAMPLES:
    values = sorted(values)
    case = {"name": name, "values": values}
    for rule in ("sturges", "doane"):
        e = edges(np.array(values), rule)
        case[rule] = e
        case[rule + "_counts"] = None if e is None else [int(c) for c in np.histogram(np.array(values), np.array(e))[0]]
    samples.append(case)
rules = []
for n, low, high, whole in RULES:
    if n == 1 and low != high:
        continue
    values = np.full(n, low, dtype=np.int64 if whole else float)
    values[-1] = high
    rules.append({"n": n, "low": low, "high": high, "whole": whole, "edges": edges(values, "sturges")})

lines = [f'  "versions": {json.dumps({"numpy": np.__version__})}']
for key, cases in (("samples", samples), ("sturges", rules)):
    lines.append(f'  "{key}": [\n' + ",\n".join("    " + json.dumps(case, allow_nan=False) for case in cases) + "\n  ]")
pathlib.Path(__file__).with_suffix(".json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
