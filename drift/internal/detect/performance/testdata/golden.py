#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of performance expect.

Made by `make golden`; the versions used are written into the file. Metrics are scikit-learn's, the calibration error
NannyML's, Wilson's interval and Welch's test SciPy's. DeLong's variance is
computed from its definition, pair by pair. Samples are made from a seed by
splitmix64, which the Go tests repeat.
"""

import json
import pathlib
import warnings

import nannyml
import numpy as np
import scipy
import sklearn
from nannyml.calibration import _calculate_expected_calibration_error, _get_bin_index_edges
from scipy import stats
from sklearn import metrics as skm

from samples import splitmix


def binary(seed, n, levels, noise):
    """Scores, classes and predictions; levels > 0 makes ties, noise flips classes."""
    u = splitmix(seed, 3 * n)
    score = u[:n]
    actual = (u[n : 2 * n] < score).astype(int)
    flip = u[2 * n :] < noise
    actual = np.where(flip, 1 - actual, actual)
    if levels:
        score = np.floor(score * levels) / levels
    return score, actual, (score >= 0.5).astype(int)


def multiclass(seed, n, k, levels):
    u = splitmix(seed, (k + 1) * n)
    raw = u[: k * n].reshape(k, n) * u[: k * n].reshape(k, n)
    if levels:
        raw = np.floor(raw * levels) / levels + 1 / levels
    total = raw[0].copy()
    for i in range(1, k):
        total = total + raw[i]
    scores = raw / total
    v = u[k * n :]
    actual = np.full(n, k - 1)
    low = np.zeros(n)
    for i in range(k - 1):
        high = low + scores[i]
        actual = np.where((v >= low) & (v < high), i, actual)
        low = high
    return scores, actual, np.argmax(scores, axis=0)


def delong(score, actual):
    """Variance of the area by E. R. DeLong et al., from the placements of all pairs."""
    x, y = score[actual == 1], score[actual == 0]
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    v10, v01 = psi.mean(axis=1), psi.mean(axis=0)
    return float(v10.var(ddof=1) / len(x) + v01.var(ddof=1) / len(y))


def ece(score, actual):
    return float(_calculate_expected_calibration_error(actual, score, _get_bin_index_edges(len(score), 10)))


def binaries():
    out = []
    for seed, n, levels, noise in [(1, 40, 0, 0), (2, 500, 0, 0.1), (3, 501, 7, 0), (4, 2000, 100, 0.3), (5, 101, 1, 0), (6, 1999, 0, 0.05)]:
        score, actual, chosen = binary(seed, n, levels, noise)
        hits = int((actual == chosen).sum())
        low, high = stats.binomtest(hits, n).proportion_ci(0.95, method="wilson")
        tn, fp, fn, tp = skm.confusion_matrix(actual, chosen, labels=[0, 1]).ravel()
        values = {
            "ACCURACY": skm.accuracy_score(actual, chosen),
            "F1_MICRO": skm.f1_score(actual, chosen, average="micro"),
            "RECALL": skm.recall_score(actual, chosen),
            "SPECIFICITY": tn / (tn + fp),
            "ROC_AUC": skm.roc_auc_score(actual, score),
            "AVERAGE_PRECISION": skm.average_precision_score(actual, score),
            "LOG_LOSS": skm.log_loss(actual, score),
            "BRIER": skm.brier_score_loss(actual, score),
            "RECALL_MACRO": skm.balanced_accuracy_score(actual, chosen),
            "F1_MACRO": skm.f1_score(actual, chosen, average="macro", zero_division=0),
            "F1_WEIGHTED": skm.f1_score(actual, chosen, average="weighted", zero_division=0),
            "PRECISION_MACRO": skm.precision_score(actual, chosen, average="macro", zero_division=0),
            "PRECISION_WEIGHTED": skm.precision_score(actual, chosen, average="weighted", zero_division=0),
            "F1": skm.f1_score(actual, chosen),
        }
        if tp + fp:
            values["PRECISION"] = skm.precision_score(actual, chosen)
        if not levels:  # with ties NannyML's bins depend on the order of the rows
            values["CALIBRATION_ERROR"] = ece(score, actual)
        out.append({
            "seed": seed, "n": n, "levels": levels, "noise": noise,
            "values": {k: float(v) for k, v in values.items()},
            "auc_variance": delong(score, actual), "accuracy_low": float(low), "accuracy_high": float(high),
        })
    return out


def multiclasses():
    out = []
    for seed, n, k, levels in [(11, 300, 3, 0), (12, 1000, 5, 0), (13, 1000, 4, 5)]:
        scores, actual, chosen = multiclass(seed, n, k, levels)
        onehot = np.eye(k)[actual]
        specificity = []
        for matrix in skm.multilabel_confusion_matrix(actual, chosen, labels=range(k)):
            specificity.append(matrix[0, 0] / (matrix[0, 0] + matrix[0, 1]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sums of scores that are 1 but for rounding
            values = {
                "ACCURACY": skm.accuracy_score(actual, chosen),
                "PRECISION_MACRO": skm.precision_score(actual, chosen, average="macro", zero_division=0),
                "RECALL_MACRO": skm.recall_score(actual, chosen, average="macro", zero_division=0),
                "SPECIFICITY_MACRO": np.mean(specificity),
                "F1_MACRO": skm.f1_score(actual, chosen, average="macro", zero_division=0),
                "PRECISION_WEIGHTED": skm.precision_score(actual, chosen, average="weighted", zero_division=0),
                "F1_WEIGHTED": skm.f1_score(actual, chosen, average="weighted", zero_division=0),
                "F1_MICRO": skm.f1_score(actual, chosen, average="micro"),
                "ROC_AUC": np.mean([skm.roc_auc_score(onehot[:, i], scores[i]) for i in range(k)]),
                "AVERAGE_PRECISION": skm.average_precision_score(onehot, scores.T, average="macro"),
                "LOG_LOSS": skm.log_loss(actual, scores.T),
                "BRIER": np.mean(((scores.T - onehot) ** 2).sum(axis=1)),
            }
        out.append({"seed": seed, "n": n, "classes": k, "levels": levels, "values": {a: float(b) for a, b in values.items()}})
    return out


def regressions():
    out = []
    for seed, n, noise in [(21, 30, 0.5), (22, 1000, 0.1), (23, 777, 2.0)]:
        u = splitmix(seed, 3 * n)
        y, p = u[:n] * 10 + 1, u[:n] * 10 + 1 + (u[n : 2 * n] - 0.5) * noise
        q = u[:n] * 10 + 1 + (u[2 * n :] - 0.5) * (noise * 1.2)
        squared = (y - p) ** 2
        interval = stats.t.interval(0.95, n - 1, loc=squared.mean(), scale=stats.sem(squared))
        welch = stats.ttest_ind(((y - q) ** 2)[: n // 3], squared, equal_var=False)
        out.append({
            "seed": seed, "n": n, "noise": noise,
            "values": {
                "MAE": float(skm.mean_absolute_error(y, p)), "MSE": float(skm.mean_squared_error(y, p)),
                "RMSE": float(skm.root_mean_squared_error(y, p)), "MAPE": float(skm.mean_absolute_percentage_error(y, p)),
                "MSLE": float(skm.mean_squared_log_error(y, p)), "RMSLE": float(skm.root_mean_squared_log_error(y, p)),
                "R2": float(skm.r2_score(y, p)),
            },
            "mse_low": float(interval[0]), "mse_high": float(interval[1]), "welch_p": float(welch.pvalue),
        })
    return out


def main():
    golden = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__, "nannyml": nannyml.__version__},
        "binary": binaries(), "multiclass": multiclasses(), "regression": regressions(),
    }
    path = pathlib.Path(__file__).with_name("golden.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
