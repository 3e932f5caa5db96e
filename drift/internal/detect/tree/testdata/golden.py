#!/usr/bin/env python3
"""Golden values for package tree: scikit-learn's histogram gradient boosting on the same data.

Made by `make golden`; the versions used are written into the file.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from samples import splitmix


def data(rows, missing):
    """Four columns: uniform, uniform with missing values, twelve levels, and noise. The target needs all but the last."""
    a, b, c, d = (splitmix(seed, rows) for seed in (1, 2, 3, 4))
    noise = splitmix(5, rows) - 0.5
    c = np.floor(c * 12)
    y = 4 * a * a + np.where(b < 0.3, 1.0, 0.0) * c / 4 + b + noise
    b = np.where(splitmix(6, rows) < missing, np.nan, b)
    return np.column_stack([a, b, c, d]), y


# Numbers of rows without a factor of 255: where the rank of a quantile k/255 is a whole number NumPy's rounds to either side of it.
CASES = [
    {"name": "few rows", "rows": 120, "missing": 0.0, "loss": "squared", "rounds": 10, "leaves": 4, "least": 5, "l2": 0.0},
    {"name": "every value a bin", "rows": 250, "missing": 0.0, "loss": "squared", "rounds": 40, "leaves": 8, "least": 10, "l2": 0.0},
    {"name": "quantile bins", "rows": 3001, "missing": 0.0, "loss": "squared", "rounds": 50, "leaves": 31, "least": 20, "l2": 1.0},
    {"name": "missing values", "rows": 3001, "missing": 0.2, "loss": "squared", "rounds": 50, "leaves": 16, "least": 20, "l2": 0.0},
    {"name": "absolute", "rows": 1000, "missing": 0.1, "loss": "absolute", "rounds": 30, "leaves": 8, "least": 20, "l2": 0.0},
    {"name": "logistic", "rows": 2003, "missing": 0.1, "loss": "logistic", "rounds": 50, "leaves": 8, "least": 20, "l2": 0.0},
    {"name": "logistic, regularised", "rows": 1501, "missing": 0.0, "loss": "logistic", "rounds": 100, "leaves": 4, "least": 50, "l2": 10.0},
]


def fit(case):
    x, y = data(case["rows"], case["missing"])
    common = dict(max_iter=case["rounds"], max_leaf_nodes=case["leaves"], min_samples_leaf=case["least"],
                  l2_regularization=case["l2"], max_bins=255, early_stopping=False, learning_rate=0.1)
    if case["loss"] == "logistic":
        model = HistGradientBoostingClassifier(**common).fit(x, (y > 2).astype(int))
        estimates = model.predict_proba(x)[:, 1]
    else:
        model = HistGradientBoostingRegressor(loss=case["loss"] + "_error", **common).fit(x, y)
        estimates = model.predict(x)
    return {**case, "estimates": [float(f"{v:.9g}") for v in estimates[:200]], "mean": float(estimates.mean())}


def main():
    golden = {"versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__}, "cases": [fit(c) for c in CASES]}
    path = pathlib.Path(__file__).with_name("golden.json")
    cases = ",\n".join("    " + json.dumps(c) for c in golden["cases"])
    path.write_text('{\n  "versions": ' + json.dumps(golden["versions"]) + ',\n  "cases": [\n' + cases + "\n  ]\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
