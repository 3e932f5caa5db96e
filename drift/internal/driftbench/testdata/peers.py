#!/usr/bin/env python3
"""Measures the peers on the data that the Go benchmark wrote: peers.py univariate|report|stream DIR ROUNDS [COLUMNS].

Prints a JSON object of lists of seconds. DIR has baseline-I.f64 and current-I.f64, columns of little-endian doubles, and errors.f64.
"""

import collections
import json
import pathlib
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")

command, directory, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])


def column(name):
    return np.fromfile(directory / f"{name}.f64", dtype="<f8")


def timed(work):
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return seconds


def univariate():
    from scipy import stats

    x, y = column("baseline-0"), column("current-0")
    return {
        "KS": timed(lambda: stats.ks_2samp(x, y, method="asymp")),
        "WASSERSTEIN": timed(lambda: stats.wasserstein_distance(x, y)),
        "CRAMER_VON_MISES": timed(lambda: stats.cramervonmises_2samp(x, y, method="asymptotic")),
        "ANDERSON_DARLING": timed(lambda: stats.anderson_ksamp([x, y], variant="midrank")),
        "SORT": timed(lambda: np.sort(y)),
    }


def report():
    import pandas as pd
    from pandas.core.dtypes import common

    # Evidently imports this function, which pandas 3 no longer has, for a check that is not used here.
    common.infer_dtype_from_object = None
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    names = [f"f{i}" for i in range(int(sys.argv[4]))]
    frames = [pd.DataFrame({n: column(f"{side}-{i}") for i, n in enumerate(names)}) for side in ("baseline", "current")]
    definition = DataDefinition(numerical_columns=names)

    def run():
        baseline, current = (Dataset.from_pandas(f, data_definition=definition) for f in frames)
        Report([DataDriftPreset()]).run(current, baseline).dict()

    return {"report": timed(run)}


def stream():
    from river import drift
    from river._river_rust.drift import AdaptiveWindowing

    errors = column("errors").tolist()

    def loop(make):
        def work():
            detector = make()
            for x in errors:
                detector.update(x)

        return work

    def core():
        # Nothing but the compiled update is called for each value: no Python loop, no wrapper.
        detector = AdaptiveWindowing(delta=0.002, clock=32, max_buckets=5, min_window_length=5, grace_period=10)
        collections.deque(map(detector.update, errors), maxlen=0)

    return {
        "ADWIN": timed(loop(drift.ADWIN)),
        "DDM": timed(loop(drift.binary.DDM)),
        "HDDM_A": timed(loop(drift.binary.HDDMA)),
        "HDDM_W": timed(loop(drift.binary.HDDMW)),
        "ADWIN core": timed(core),
    }


print(json.dumps({"univariate": univariate, "report": report, "stream": stream}[command]()))
