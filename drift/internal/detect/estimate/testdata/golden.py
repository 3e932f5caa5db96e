#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of estimate expect.

Made by `make golden`; the versions used are written into the file. Estimates are those of NannyML's CBPE, on
samples made from a seed by splitmix64, which the Go tests repeat, and on the two data sets
that NannyML carries (synthetic car loans; credit cards, every fifth row): their scores
have two digits, so a row is packed into bytes, compressed and written as base64.
The isotonic fits are scikit-learn's. Direct loss estimation is NannyML's, with LightGBM.
"""

import base64
import json
import os
import pathlib
import warnings
import zlib

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import numpy as np
import pandas as pd
import sklearn
from nannyml.calibration import IsotonicCalibrator, NoopCalibrator, _calculate_expected_calibration_error, _get_bin_index_edges
from nannyml.performance_estimation.confidence_based.metrics import estimate_ap, estimate_roc_auc
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import StratifiedShuffleSplit

from samples import splitmix

METRICS = ["roc_auc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy"]
COLUMNS = ["value", "sampling_error", "realized", "lower_confidence_boundary", "upper_confidence_boundary", "lower_threshold", "upper_threshold", "alert"]


def binary(seed, n, bend, cut):
    """A class with probability u + bend·(u² − u), of which the model says u."""
    u = splitmix(seed, 2 * n)
    score, v = u[:n], u[n:]
    actual = (v < score + bend * (score * score - score)).astype(int)
    return pd.DataFrame({"p": score, "pred": (score >= cut).astype(int), "y": actual})


def multiclass(seed, n, k, bend):
    u = splitmix(seed, (k + 1) * n)
    raw = u[: k * n].reshape(k, n)
    total = raw[0].copy()
    for i in range(1, k):
        total = total + raw[i]
    scores = raw / total
    bent = scores + bend * (scores * scores - scores)
    total = bent[0].copy()
    for i in range(1, k):
        total = total + bent[i]
    bent = bent / total
    v = u[k * n :]
    actual = np.full(n, k - 1)
    low = np.zeros(n)
    for i in range(k - 1):
        high = low + bent[i]
        actual = np.where((v >= low) & (v < high), i, actual)
        low = high
    frame = pd.DataFrame({f"p{i}": scores[i] for i in range(k)})
    frame["pred"], frame["y"] = [f"c{i}" for i in np.argmax(scores, axis=0)], [f"c{i}" for i in actual]
    return frame


def number(v):
    return None if v is None or v != v else float(v)


def run(reference, analysis, chunk, classes):
    proba = "p" if classes == 2 else {f"c{i}": f"p{i}" for i in range(classes)}
    kind = "classification_binary" if classes == 2 else "classification_multiclass"
    np.random.seed(1)  # average precision resamples
    cbpe = nannyml.CBPE(y_pred_proba=proba, y_pred="pred", y_true="y", problem_type=kind, metrics=METRICS, chunk_size=chunk)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cbpe.fit(reference.copy())
        result = cbpe.estimate(analysis.copy()).filter(period="analysis").to_df()
    needed = [bool(cbpe.needs_calibration)] if classes == 2 else [not isinstance(cbpe._calibrators[c], NoopCalibrator) for c in sorted(proba)]
    estimates = {m: [[number(row[(m, c)]) for c in COLUMNS] for _, row in result.iterrows()] for m in METRICS}
    return {"calibrated": needed, "estimates": estimates}


def made():
    out = []
    for name, classes, n, m, chunk, bend, drift, cut in [
        ("calibrated", 2, 4000, 1200, 400, 0.0, 0.0, 0.5),
        ("bent", 2, 5000, 2000, 500, 0.8, 0.8, 0.4),
        ("bent, few positive predictions", 2, 3000, 600, 300, -0.6, -0.6, 0.9),
        ("three classes", 3, 3000, 900, 300, 0.9, 0.9, 0),
        ("five classes", 5, 6000, 1200, 600, -1.5, -1.5, 0),
    ]:
        seed = 100 + len(out) * 2
        if classes == 2:
            reference, analysis = binary(seed, n, bend, cut), binary(seed + 1, m, drift, cut)
        else:
            reference, analysis = multiclass(seed, n, classes, bend), multiclass(seed + 1, m, classes, drift)
        out.append({
            "name": name, "classes": classes, "seed": seed, "n": n, "m": m, "chunk": chunk, "bend": bend, "cut": cut,
            **run(reference, analysis, chunk, classes),
        })
    return out


def packed(*planes):
    return base64.b64encode(zlib.compress(b"".join(np.asarray(p, dtype=np.uint8).tobytes() for p in planes), 9)).decode()


def car_loan():
    reference, analysis, truth = nannyml.load_synthetic_car_loan_dataset()
    analysis = analysis.merge(truth, on="id")
    sides = [pd.DataFrame({"p": s.y_pred_proba, "pred": s.y_pred.astype(int), "y": s.repaid.astype(int)}) for s in (reference, analysis)]
    rows = [packed(np.rint(s.p * 100), s.y * 2 + s.pred) for s in sides]
    return {"name": "car loans", "classes": 2, "chunk": 5000, "reference": rows[0], "analysis": rows[1], **run(*sides, 5000, 2)}


def credit_cards():
    reference, analysis, truth = nannyml.load_synthetic_multiclass_classification_dataset()
    analysis = analysis.merge(truth, on="id")
    names = sorted(["prepaid_card", "highstreet_card", "upmarket_card"])
    sides = []
    for s in (reference, analysis):
        s = s.iloc[::5].reset_index(drop=True)
        frame = pd.DataFrame({f"p{i}": s[f"y_pred_proba_{name}"] for i, name in enumerate(names)})
        frame["pred"], frame["y"] = ([f"c{names.index(v)}" for v in s[c]] for c in ("y_pred", "y_true"))
        sides.append(frame)
    rows = [packed(*(np.rint(s[f"p{i}"] * 100) for i in range(3)), [int(y[1]) * 4 + int(p[1]) for y, p in zip(s.y, s.pred)]) for s in sides]
    return {"name": "credit cards", "classes": 3, "chunk": 1200, "reference": rows[0], "analysis": rows[1], **run(*sides, 1200, 3)}


def regression(seed, n, low):
    """Errors that grow with x2, which is uniform from low to 1."""
    u = splitmix(seed, 3 * n)
    x1, x2 = u[:n], low + (1 - low) * u[n : 2 * n]
    predicted = 10 + 10 * x1
    return pd.DataFrame({"x1": x1, "x2": x2, "pred": predicted, "y": predicted + (u[2 * n :] - 0.5) * x2 * 4})


def dle():
    """Direct loss estimation by LightGBM: the values are a band, the rest exact."""
    reference, analysis = regression(601, 6000, 0.0), regression(602, 2000, 0.5)
    metrics = ["mae", "mse", "rmse", "mape", "msle", "rmsle"]
    model = nannyml.DLE(feature_column_names=["x1", "x2"], y_pred="pred", y_true="y", metrics=metrics, chunk_size=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(reference.copy())
        result = model.estimate(analysis.copy()).filter(period="analysis").to_df()
    return {m.upper(): [[number(row[(m, c)]) for c in COLUMNS] for _, row in result.iterrows()] for m in metrics}


def isotonic():
    out = []
    for seed, n, levels in [(301, 60, 0), (302, 300, 20), (303, 1000, 0), (304, 2, 0), (305, 50, 1)]:
        u = splitmix(seed, 3 * n)
        x = np.floor(u[:n] * levels) / levels if levels else u[:n]
        y = (u[n : 2 * n] < u[:n] * u[:n]).astype(float)
        model = IsotonicRegression(out_of_bounds="clip", increasing=True).fit(x, y)
        at = np.concatenate([[-1.0, 0.0, 1.0, 2.0], u[2 * n :][:40]])
        out.append({"seed": seed, "n": n, "levels": levels, "at": model.predict(at).tolist()})
    return out


def checks():
    """Calibration errors of the pooled test splits, with the splits."""
    out = []
    for seed, n, bend in [(401, 200, 0.9), (402, 500, 0.0)]:
        frame = binary(seed, n, bend, 0.5)
        p, y = frame.p.to_numpy(), frame.y.to_numpy()
        tests, before, after, truth = [], [], [], []
        for train, test in StratifiedShuffleSplit(n_splits=10, test_size=0.1, random_state=42).split(p, y):
            calibrator = IsotonicCalibrator()
            calibrator.fit(p[train], y[train])
            tests.append(test.tolist())
            before.append(p[test]), after.append(calibrator.calibrate(p[test])), truth.append(y[test])
        before, after, truth = np.concatenate(before), np.concatenate(after), np.concatenate(truth)
        edges = _get_bin_index_edges(len(before), 10)
        out.append({
            "seed": seed, "n": n, "bend": bend, "tests": tests,
            "before": float(_calculate_expected_calibration_error(truth, before, edges)),
            "after": float(_calculate_expected_calibration_error(truth, after, edges)),
        })
    return out


def curves():
    """Areas of calibrated probabilities ordered by raw scores."""
    out = []
    for seed, n in [(501, 10), (502, 1000)]:
        u = splitmix(seed, 2 * n)
        c = u[:n] * u[n:]
        out.append({"seed": seed, "n": n, "auc": float(estimate_roc_auc(c, u[:n])), "ap": float(estimate_ap(c, u[:n]))})
    return out


def main():
    golden = {
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__, "nannyml": nannyml.__version__},
        "cbpe": made() + [car_loan(), credit_cards()],
        "dle": dle(), "isotonic": isotonic(), "checks": checks(), "curves": curves(),
    }
    pathlib.Path(__file__).with_name("golden.json").write_text(json.dumps(golden, separators=(",", ":")).replace('"name"', '\n"name"') + "\n")


if __name__ == "__main__":
    main()
