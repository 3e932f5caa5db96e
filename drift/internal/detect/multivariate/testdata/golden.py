#!/usr/bin/env python3
"""Golden values for package multivariate, from NumPy, SciPy, scikit-learn, LightGBM and NannyML.

Made by `make golden`; the versions used are written into the file.
"""

import json
import os
import pathlib
import warnings

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # NannyML would tell its makers of every run

import lightgbm
import nannyml
import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy import integrate, stats
from scipy.spatial.distance import pdist, squareform
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from samples import splitmix

warnings.filterwarnings("ignore")


def rows(seed, n, columns, scale=1.0, shift=0.0, mixed=False):
    """Uniform numbers; mixed ones add the first column to every other, so that they are correlated."""
    x = splitmix(seed, n * columns).reshape(n, columns)
    if mixed:
        x[:, 1:] = x[:, 1:] + x[:, :1]
    return x * scale + shift


SHAPES = [
    {"name": "small", "seed": 1, "n": 2, "m": 2, "columns": 1, "scale": 1.0, "shift": 0.0},
    {"name": "null", "seed": 3, "n": 40, "m": 30, "columns": 3, "scale": 1.0, "shift": 0.0},
    {"name": "shifted", "seed": 5, "n": 25, "m": 60, "columns": 5, "scale": 1.0, "shift": 0.3},
    {"name": "wider", "seed": 7, "n": 50, "m": 50, "columns": 2, "scale": 2.0, "shift": -0.5},
    {"name": "wide", "seed": 9, "n": 20, "m": 20, "columns": 70, "scale": 1.0, "shift": 0.1},
]


def discrepancies():
    out = []
    for s in SHAPES:
        x = rows(s["seed"], s["n"], s["columns"])
        y = rows(s["seed"] + 1, s["m"], s["columns"], s["scale"], s["shift"])
        squared = pdist(np.vstack([x, y]), "sqeuclidean")
        d2 = squareform(squared)
        median = float(np.sort(squared)[(len(squared) - 1) // 2])
        n, m = s["n"], s["m"]

        def unbiased(rho):
            within_x, within_y = rho[:n, :n].sum() / (n * (n - 1)), rho[n:, n:].sum() / (m * (m - 1))
            cross = rho[:n, n:].mean()
            value = 2 * cross - within_x - within_y
            return {"statistic": float(value), "effect": float(np.sqrt(min(max(0.0, value / (2 * cross)), 1)))}

        out.append({**s, "bandwidth": float(np.sqrt(median / 2)), "mmd": unbiased(1 - np.exp(-d2 / median)),
                    "energy": unbiased(np.sqrt(d2)), "centroid": unbiased(d2 / 2)})
    return out


def normal_scores():
    out = []
    for values in ([3.0, 1, 2], [1.0, 1, 2, 5, 5, 5, 9], [-0.0, 0.0, 1.0], splitmix(11, 30).round(1).tolist(), [0.0] * 9 + [1e300]):
        scores = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
        out.append({"values": values, "scores": ((scores - scores.mean()) / scores.std()).tolist()})
    return out


def imhof(weights, q):
    """P(sum of weighted chi-squares >= q) by numerical inversion (J. P. Imhof, 1961)."""
    w = np.array(weights)

    def integrand(u):
        theta = 0.5 * np.sum(np.arctan(w * u)) - 0.5 * q * u
        return np.sin(theta) / (u * np.prod((1 + (w * u) ** 2) ** 0.25))

    value, _ = integrate.quad(integrand, 0, np.inf, limit=2000)
    return 0.5 + value / np.pi


def tails():
    out = []
    for weights in ([1.0] * 10, [2.0, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.1], [0.5**k for k in range(8)], [1 / (k + 1) ** 2 for k in range(30)]):
        total, spread = sum(weights), np.sqrt(2 * sum(w * w for w in weights))
        for z in (-0.8, 0, 0.5, 1, 2, 3, 5):
            q = total + z * spread
            p = stats.chi2.sf(q, 10) if weights == [1.0] * 10 else imhof(weights, q)
            out.append({"weights": weights, "q": float(q), "p": float(p)})
    out.append({"weights": [1.0] * 10, "q": 150.0, "p": float(stats.chi2.sf(150, 10))})
    return out


def delong(x, y):
    v10 = np.array([np.mean((b > x) + 0.5 * (b == x)) for b in y])
    v01 = np.array([np.mean((y > a) + 0.5 * (y == a)) for a in x])
    return float(v10.var(ddof=1) / len(y) + v01.var(ddof=1) / len(x))


def rankings():
    out = []
    for seed, n, m, levels in ((21, 30, 20, 0), (23, 40, 40, 5), (25, 10, 100, 3)):
        x, y = splitmix(seed, n), splitmix(seed + 1, m) + 0.1
        if levels:
            x, y = np.floor(x * levels), np.floor(y * levels)
        auc = roc_auc_score(np.r_[np.zeros(n), np.ones(m)], np.r_[x, y])
        test = stats.mannwhitneyu(y, x, use_continuity=False, method="asymptotic")
        z = -stats.norm.ppf(test.pvalue / 2) * np.sign(auc - 0.5)
        out.append({"baseline": x.tolist(), "current": y.tolist(), "auc": float(auc), "z": float(z), "delong": delong(x, y)})
    return out


def correlations():
    out = []
    for seed, n, m, columns in ((31, 50, 40, 3), (33, 30, 200, 6)):
        x, y = rows(seed, n, columns, mixed=True), rows(seed + 1, m, columns)
        zx, zy = (x - x.mean(0)) / x.std(0), (y - y.mean(0)) / y.std(0)
        best = (0.0, 0, 0)
        for i in range(columns):
            for j in range(i + 1, columns):
                rx, ry = np.corrcoef(x[:, i], x[:, j])[0, 1], np.corrcoef(y[:, i], y[:, j])[0, 1]
                r = (n * rx + m * ry) / (n + m)
                u = np.r_[zx[:, i] * zx[:, j] - r / 2 * (zx[:, i] ** 2 + zx[:, j] ** 2),
                          zy[:, i] * zy[:, j] - r / 2 * (zy[:, i] ** 2 + zy[:, j] ** 2)]
                se = np.sqrt((u * u).sum() / (n + m - 2) * (1 / n + 1 / m))
                best = max(best, (abs(rx - ry) / se, i, j))
        _, i, j = best
        pairs = columns * (columns - 1) // 2
        p = 1 - (1 - 2 * stats.t.sf(best[0], n + m - 2)) ** pairs
        out.append({"seed": seed, "n": n, "m": m, "columns": columns, "statistic": float(best[0]), "first": i, "second": j, "p": float(p),
                    "baseline": float(np.corrcoef(x[:, i], x[:, j])[0, 1]), "current": float(np.corrcoef(y[:, i], y[:, j])[0, 1])})
    return out


def reconstructions():
    """NannyML's reconstruction errors of the reference and of another set, each as one chunk."""
    out = []
    for seed, n, m, columns, missing in ((41, 200, 150, 4, 0.0), (43, 120, 300, 7, 0.1), (45, 1000, 500, 10, 0.0)):
        x, y = rows(seed, n, columns, mixed=True), rows(seed + 1, m, columns)
        if missing:
            x[splitmix(seed + 50, n) < missing, 1] = np.nan
            y[splitmix(seed + 51, m) < missing, 1] = np.nan
        names = [f"c{k}" for k in range(columns)]
        calculator = nannyml.DataReconstructionDriftCalculator(column_names=names, chunk_number=1)
        calculator.fit(pd.DataFrame(x, columns=names))
        result = calculator.calculate(pd.DataFrame(y, columns=names))
        base = result.filter(period="reference").to_df()["reconstruction_error"]["value"].iloc[0]
        current = result.filter(period="analysis").to_df()["reconstruction_error"]["value"].iloc[0]
        out.append({"seed": seed, "n": n, "m": m, "columns": columns, "missing": missing, "baseline": float(base), "current": float(current),
                    "components": int(calculator._pca.n_components_)})
    return out


def classifiers():
    """AUCs of LightGBM's defaults in five stratified folds, as NannyML's domain classifier has them; ours differs in its trees and folds."""
    out = []
    for seed, shift, mixed in ((61, 0.0, False), (63, 0.15, False), (65, 0.0, True), (67, 0.6, True)):
        n, columns = 1000, 6
        x, y = rows(seed, n, columns), rows(seed + 1, n, columns, shift=shift, mixed=mixed)
        if mixed:
            y[:, 1:] = y[:, 1:] / 2  # means shift to the middle of the sum's range
        table, side = np.vstack([x, y]), np.r_[np.zeros(n), np.ones(n)]
        scores = np.empty(2 * n)
        for train, test in StratifiedKFold(5, shuffle=True, random_state=1).split(table, side):
            model = lightgbm.train({"objective": "binary", "verbosity": -1, "num_threads": 1},
                                   lightgbm.Dataset(table[train], side[train]), num_boost_round=100)
            scores[test] = model.predict(table[test])
        out.append({"seed": seed, "n": n, "columns": columns, "shift": shift, "mixed": mixed, "auc": float(roc_auc_score(side, scores))})
    return out


def main():
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__, "nannyml": nannyml.__version__,
                     "lightgbm": lightgbm.__version__},
        "discrepancies": discrepancies(),
        "normal_scores": normal_scores(),
        "tails": tails(),
        "rankings": rankings(),
        "correlations": correlations(),
        "reconstructions": reconstructions(),
        "classifiers": classifiers(),
    }
    lines = []
    for key, value in golden.items():
        if isinstance(value, list):
            cases = ",\n".join("    " + json.dumps(case, allow_nan=False) for case in value)
            lines.append(f'  "{key}": [\n{cases}\n  ]')
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    pathlib.Path(__file__).with_name("golden.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
