#!/usr/bin/env python3
"""Writes river.json: where River's detectors find drifts and warn, on the streams of streams.json.

Made by `make golden`. MoaGolden.java does the same with MOA's, which are the reference for the detectors that River does not have. Streams are made
from a seed by splitmix64, in Python, Java and Go alike: each segment has a number of values, which are 1 with a probability ("errors"), or uniform on a range ("numbers"). The stream
"river" is the one of River's own documentation of ADWIN. Indices are counted from 0. Warnings are [first, last] of each zone; the value at which a drift
is found belongs to none.
"""

import json
import pathlib
import random

import river
from river import drift
from river.drift import binary

from samples import stream as uniform

HERE = pathlib.Path(__file__).parent


def values(spec):
    if "listed" in spec:
        return [float(c) for c in spec["listed"]]
    u = uniform(spec["seed"])
    out = []
    for n, low, high in spec["segments"]:
        for _ in range(n):
            v = next(u)
            out.append((1.0 if v < low else 0.0) if spec["kind"] == "errors" else low + (high - low) * v)
    return out


def errors(seed, *segments):
    return {"kind": "errors", "seed": seed, "segments": [[n, p, 0] for n, p in segments]}


def numbers(seed, *segments):
    return {"kind": "numbers", "seed": seed, "segments": [list(s) for s in segments]}


def documented():
    """The stream of River's documentation of ADWIN, PageHinkley and KSWIN."""
    rng = random.Random(12345)
    return {"kind": "numbers", "listed": "".join(str(v) for v in rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000))}


STREAMS = {
    "abrupt": errors(1, (1000, 0.1), (1000, 0.4), (1000, 0.1), (1000, 0.5)),
    "gradual": errors(2, *[(400, 0.2 + 0.03 * i) for i in range(10)]),
    "stationary": errors(3, (20000, 0.2)),
    "falling": errors(4, (2000, 0.5), (2000, 0.2), (2000, 0.6)),
    "perfect": errors(5, (2000, 0.0)),
    "failing": errors(6, (2000, 1.1)),
    "long": errors(7, (45000, 0.05), (1500, 0.09), (3000, 0.2)),
    "rare": errors(8, (6000, 0.01), (3000, 0.05), (3000, 0.3)),
    "even": errors(9, (3000, 0.3), (3000, 0.5), (3000, 0.4), (3000, 0.7)),
    "unit": numbers(10, (1500, 0.0, 0.6), (1500, 0.2, 0.9), (1500, 0.0, 0.5), (1500, 0.4, 1.0)),
    "wide": numbers(11, (1500, -3.0, 3.0), (1500, -1.0, 5.0), (1500, -6.0, 0.0), (1500, 7.0, 9.0)),
    "scale": numbers(12, (2000, 0.4, 0.6), (2000, 0.0, 1.0)),
    "steps": numbers(13, (500, 0.0, 1.0), (500, 100.0, 101.0), (500, 50.0, 51.0)),
    "river": documented(),
}
BINARY = ["abrupt", "gradual", "stationary", "falling", "perfect", "failing", "long", "rare", "even"]
REAL = BINARY + ["unit", "wide", "scale", "steps", "river"]

CASES = []
for stream in BINARY:
    CASES.append(("DDM", stream, {}, binary.DDM))
    CASES.append(("EDDM", stream, {}, binary.EDDM))
    CASES.append(("FHDDM", stream, {}, None))
for stream in REAL:
    CASES.append(("ADWIN", stream, {}, drift.ADWIN))
    CASES.append(("PAGE_HINKLEY", stream, {}, drift.PageHinkley))
    CASES.append(("PAGE_HINKLEY", stream, {"threshold": 10, "delta": 0.05}, drift.PageHinkley))
for stream in BINARY + ["unit"]:
    CASES.append(("HDDM_A", stream, {}, binary.HDDMA))
    CASES.append(("HDDM_A", stream, {"two_sided": 1}, binary.HDDMA))
    CASES.append(("HDDM_W", stream, {}, binary.HDDMW))
    CASES.append(("HDDM_W", stream, {"two_sided": 1}, binary.HDDMW))
for stream in ["abrupt", "falling", "unit", "steps", "river"]:
    CASES.append(("ADWIN", stream, {"delta": 0.05, "clock": 1, "max_buckets": 3, "min_window_length": 2, "grace_period": 4}, drift.ADWIN))
for stream in ["abrupt", "even"]:
    CASES.append(("DDM", stream, {"warm_start": 100, "warning_threshold": 1.5, "drift_threshold": 2.5}, binary.DDM))
    CASES.append(("EDDM", stream, {"warm_start": 50, "alpha": 0.98, "beta": 0.93}, binary.EDDM))
    CASES.append(("HDDM_W", stream, {"lambda": 0.01, "drift_confidence": 0.01, "warning_confidence": 0.1}, binary.HDDMW))
    CASES.append(("FHDDM", stream, {"window": 25, "delta": 1e-4}, None))

NAMES = {
    "two_sided": ("two_sided_test", bool), "lambda": ("lambda_val", float), "window": ("sliding_window_size", int), "delta": ("delta", float),
    "clock": ("clock", int), "max_buckets": ("max_buckets", int), "min_window_length": ("min_window_length", int), "grace_period": ("grace_period", int),
    "warm_start": ("warm_start", int),
}


def run(kind, stream, parameters, make):
    given = {}
    for name, value in parameters.items():
        own, convert = NAMES.get(name, (name, float))
        given["confidence_level" if kind == "FHDDM" and name == "delta" else own] = convert(value)
    detector = (make or binary.FHDDM)(**given)
    drifts, warnings = [], []
    for i, x in enumerate(values(STREAMS[stream])):
        if kind == "FHDDM":
            x = 1 - int(x)  # River's counts correct predictions
        detector.update(x)
        if detector.drift_detected:
            drifts.append(i)
        elif getattr(detector, "warning_detected", False):
            if warnings and warnings[-1][1] == i - 1:
                warnings[-1][1] = i
            else:
                warnings.append([i, i])
    return {"kind": kind, "stream": stream, "parameters": parameters, "drifts": drifts, "warnings": warnings}


def write(name, value):
    """One case a line."""
    head, rows = value
    lines = ",\n".join("  " + json.dumps(r, separators=(",", ":")) for r in rows)
    (HERE / name).write_text("{" + head + "\"cases\": [\n" + lines + "\n]}\n")


(HERE / "streams.json").write_text("{\n" + ",\n".join(f'  "{k}": {json.dumps(v)}' for k, v in STREAMS.items()) + "\n}\n")
write("river.json", (f'"river": "{river.__version__}",\n', [run(*case) for case in CASES]))
