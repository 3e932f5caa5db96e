#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of text expect: computed here from the definitions, apart from the Go code.

Texts are made from a seed by splitmix64, which the Go tests repeat.

Made by `make golden`.
"""

import json
import math
import pathlib
import platform
import re
from collections import Counter

from samples import stream


def texts(spec):
    """n texts of 1 to longest words, the rarer the higher their number."""
    u = stream(spec["seed"])
    out = []
    for _ in range(spec["n"]):
        length = 1 + int(next(u) * spec["longest"])
        out.append(", ".join(f"W{int(spec['words'] * next(u) ** 3)}" for _ in range(length)))
    return out


def words(text):
    return re.findall(r"[a-z0-9]+", text.lower())


def v(baseline, current):
    a, b = Counter(w for t in baseline for w in words(t)), Counter(w for t in current for w in words(t))
    both = a + b
    top = sorted(both, key=lambda w: (-both[w], w))[:50]
    n, m = a.total(), b.total()
    cells = [(a[w], b[w]) for w in top]
    cells.append((n - sum(c[0] for c in cells), m - sum(c[1] for c in cells)))
    return math.sqrt(math.fsum((x / n - y / m) ** 2 / (x / n + y / m) for x, y in cells if x + y) / 2)


def unknown(baseline, current):
    known = {w for t in baseline for w in words(t)}
    every = [w for t in current for w in words(t)]
    return sum(1 for w in every if w not in known) / len(every)


def log_ratio(baseline, current):
    size = min(len(baseline), len(current))

    def guiraud(side):
        side = [side[i * len(side) // size] for i in range(size)]
        every = [w for t in side for w in words(t)]
        return len(set(every)) / math.sqrt(len(every))

    return math.log(guiraud(current) / guiraud(baseline))


def spec(seed, n, longest, count):
    return {"seed": seed, "n": n, "longest": longest, "words": count}


def main():
    cases = []
    for baseline, current in [
        (spec(1, 200, 20, 300), spec(2, 200, 20, 300)),
        (spec(3, 300, 12, 30), spec(4, 70, 12, 45)),
        (spec(5, 50, 40, 2000), spec(6, 400, 8, 2500)),
        (spec(7, 100, 5, 10), spec(8, 100, 30, 10)),
    ]:
        x, y = texts(baseline), texts(current)
        cases.append({"baseline": baseline, "current": current, "v": v(x, y), "unknown": unknown(x, y), "log_ratio": log_ratio(x, y)})
    path = pathlib.Path(__file__).with_name("golden.json")
    lines = ",\n".join("    " + json.dumps(case) for case in cases)
    versions = json.dumps({"python": platform.python_version()})
    path.write_text(f'{{\n  "versions": {versions},\n  "cases": [\n{lines}\n  ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
