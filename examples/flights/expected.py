"""Writes expected.json: what a detection on the flight samples must find, by SciPy.

Run:     python -m venv VENV                        # outside the repository
         VENV/bin/pip install -r requirements.txt
         VENV/bin/python expected.py

Statistics and p-values are SciPy's. What SciPy leaves open is decided here as the platform does, apart from its code: which categories are
pooled, which effect is compared with the smallest that matters, and how verdicts follow from effects and q-values.
"""

import json
import math
import pathlib
import warnings

import numpy as np
import pandas as pd
import scipy
from scipy import stats

FALSE_DISCOVERY_RATE = 0.05
MIN_EFFECT = {"kolmogorov_smirnov": 0.1, "chi_square": 0.1, "missing_rate": 0.05}
MIN_EXPECTED = 2  # categories of which a side expects fewer rows are pooled before the chi-square test
MIN_EXPECTED_RATE = 5  # fewer expected rows in a cell of the 2x2 table of missing rows: Fisher's exact test
BOOLEANS = ("weekend", "cancelled")


def read(path):
    """The sample; only an empty value is missing."""
    rows = pd.read_csv(path, keep_default_na=False, na_values=[""])
    for name in BOOLEANS:
        rows[name] = rows[name].map({True: "true", False: "false"})
    return rows


def kolmogorov_smirnov(a, b):
    auto = stats.ks_2samp(a, b)  # exact up to 10,000 values a side
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        asymptotic = stats.ks_2samp(a, b, method="asymp")
    above = stats.ks_2samp(a, b, alternative="greater", method="asymp").statistic  # the baseline's distribution function lies above
    below = stats.ks_2samp(a, b, alternative="less", method="asymp").statistic
    if 2 * min(above, below) > auto.statistic:
        direction = "changed"
    else:
        direction = "increase" if above > below else "decrease"
    return {
        "statistic": auto.statistic,
        "p_value": auto.pvalue,
        "p_value_method": "exact" if max(len(a), len(b)) <= 10_000 else "asymptotic",
        "p_value_asymptotic": asymptotic.pvalue,
        "effect": auto.statistic,
        "direction": direction,
    }


def pooled(a, b):
    """The 2xk table without rare categories, which become one column."""
    names = sorted(set(a) | set(b))
    table = np.array([[np.count_nonzero(side == name) for name in names] for side in (a, b)])
    expected = table.sum(axis=0) * min(len(a), len(b)) / (len(a) + len(b))
    rare = expected < MIN_EXPECTED
    if not rare.any():
        return table
    rest = table[:, rare].sum(axis=1, keepdims=True)
    if rest.sum() * min(len(a), len(b)) / (len(a) + len(b)) < MIN_EXPECTED:
        raise SystemExit("the rare categories together are rare: pool them by hand")
    return np.hstack([table[:, ~rare], rest])


def chi_square(a, b, boolean):
    table = pooled(a, b)
    found = stats.chi2_contingency(table)  # Yates' correction with one degree of freedom, as is SciPy's default
    shares = {name: ((a == name).mean(), (b == name).mean()) for name in set(a) | set(b)}
    # Cramér's V of the shares of all categories, both sides weighing the same.
    effect = math.sqrt(sum((p - q) ** 2 / (p + q) for p, q in shares.values()) / 2)
    direction = "changed"
    if boolean:
        before, after = shares["true"]
        direction = "increase" if after > before else "decrease" if after < before else "none"
    return {
        "statistic": found.statistic,
        "degrees_of_freedom": found.dof,
        "p_value": found.pvalue,
        "p_value_method": "asymptotic",
        "effect": effect,
        "direction": direction,
    }


def missing_rate(a, b):
    n, m, x, y = len(a), len(b), int(a.isna().sum()), int(b.isna().sum())
    rate = (x + y) / (n + m)
    difference = y / m - x / n
    result = {
        "statistic": 0.0, "p_value": 1.0, "p_value_method": "exact", "effect": abs(difference),
        "direction": "increase" if difference > 0 else "decrease" if difference < 0 else "none",
    }  # fmt: skip
    if rate in (0, 1):
        return result
    z = difference / math.sqrt(rate * (1 - rate) * (1 / n + 1 / m))
    result["statistic"] = z
    if min(rate, 1 - rate) * min(n, m) < MIN_EXPECTED_RATE:
        result["p_value"] = stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue
    else:
        result["p_value"], result["p_value_method"] = 2 * stats.norm.sf(abs(z)), "asymptotic"
    return result


def verdict(test, result):
    if result["q_value"] > FALSE_DISCOVERY_RATE or result["effect"] < MIN_EFFECT[test] / 2:
        return "OK"
    return "DRIFT" if result["effect"] >= MIN_EFFECT[test] else "WARNING"


def compare(baseline, current):
    features = {}
    for name in baseline.columns:
        a, b = baseline[name], current[name]
        kind = "boolean" if name in BOOLEANS else "numeric" if pd.api.types.is_numeric_dtype(a) else "categorical"
        present = [side.dropna().to_numpy() for side in (a, b)]
        tests = {"missing_rate": missing_rate(a, b)}
        if kind == "numeric":
            tests["kolmogorov_smirnov"] = kolmogorov_smirnov(*present)
        else:
            tests["chi_square"] = chi_square(*present, kind == "boolean")
        features[name] = {
            "type": kind,
            "baseline_count": len(present[0]), "current_count": len(present[1]),
            "baseline_missing_rate": a.isna().mean(), "current_missing_rate": b.isna().mean(),
            "tests": tests,
        }  # fmt: skip
        if kind == "numeric":
            features[name]["baseline_median"], features[name]["current_median"] = np.median(present[0]), np.median(present[1])
        if kind == "categorical":
            before, after = set(present[0]), set(present[1])
            features[name]["unseen_categories"], features[name]["vanished_categories"] = sorted(after - before), sorted(before - after)
    family = [(test, result) for feature in features.values() for test, result in feature["tests"].items()]
    q_values = stats.false_discovery_control([result["p_value"] for _, result in family], method="bh")
    for (test, result), q in zip(family, q_values, strict=True):
        result["q_value"] = q
        result["status"] = verdict(test, result)
    order = ["OK", "WARNING", "DRIFT"]
    for feature in features.values():
        feature["status"] = max((result["status"] for result in feature["tests"].values()), key=order.index)
    return {
        "baseline_rows": len(baseline), "current_rows": len(current),
        "status": max((feature["status"] for feature in features.values()), key=order.index),
        "drifted_features": sum(feature["status"] == "DRIFT" for feature in features.values()),
        "features": features,
    }  # fmt: skip


def main():
    here = pathlib.Path(__file__).resolve().parent
    winter = read(here / "winter.csv")
    document = {
        "source": f"SciPy {scipy.__version__}, by expected.py",
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "min_effect": MIN_EFFECT,
        "comparisons": {name: compare(winter, read(here / f"{name}.csv")) for name in ("summer", "winter_control")},
    }

    def plain(value):
        return value.item()  # NumPy scalars

    (here / "expected.json").write_text(json.dumps(document, indent=1, default=plain) + "\n")


if __name__ == "__main__":
    main()
