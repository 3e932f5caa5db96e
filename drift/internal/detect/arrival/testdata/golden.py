#!/usr/bin/env python3
"""Writes golden.json, the values that the tests of arrival expect: computed from the definitions with NumPy, SciPy and zoneinfo.

Instants are made from a seed by splitmix64, which the Go tests repeat.

Made by `make golden`.
"""

import datetime
import json
import math
import pathlib
import zoneinfo
from collections import defaultdict

import numpy as np
import scipy
from scipy import optimize, stats

from samples import splitmix

HOUR = 3_600_000_000


def instants(spec):
    """n instants evenly at random over a number of hours, denser at the start of each day for a shape above 1."""
    out = []
    for u in splitmix(spec["seed"], spec["n"]):
        u = u * spec["hours"] / 24
        day = math.floor(u)
        within = u - day
        if spec["squared"]:
            within = within * within
        out.append(spec["start"] + int((day + within) * 24 * HOUR))
    return sorted(out)


def gaps(x, y):
    size = max(1, math.ceil(math.sqrt(min(len(x), len(y)) - 1)))
    sides = []
    for times in (x, y):
        g = np.diff(np.array(times, dtype=np.int64))
        sides.append(g[: len(g) // size * size])
    edges = np.unique(np.quantile(np.concatenate(sides), np.arange(1, 101) / 100, method="inverted_cdf"))
    f = [np.searchsorted(np.sort(g), edges, side="right") / len(g) for g in sides]
    return float(max(0, (f[0] - f[1]).max())), float(max(0, (f[1] - f[0]).max()))


def season(x, y, name):
    zone = zoneinfo.ZoneInfo(name)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

    def local(t):
        return (epoch + datetime.timedelta(microseconds=t)).astimezone(zone)

    def hour(t):
        d = local(t)
        return d.isoweekday() % 7 * 24 + d.hour

    sides = []
    for times in (x, y):
        rows, exposure, t = defaultdict(float), defaultdict(float), times[0]
        for u in times[1:-1]:
            rows[hour(u)] += 1
        by_hour = defaultdict(list)
        while t < times[-1]:
            d = local(t)
            left = HOUR - (d.minute * 60_000_000 + d.second * 1_000_000 + d.microsecond)
            left = min(left, times[-1] - t)
            exposure[hour(t)] += left / HOUR
            if left == HOUR:
                by_hour[hour(t)].append(sum(1 for u in times if t <= u < t + left))
            t += left
        again = [counts for counts in by_hour.values() if len(counts) > 1]
        df = sum(len(counts) - 1 for counts in again)
        mean = sum(np.mean(counts) for counts in again)
        dispersion = sum(np.var(counts, ddof=1) for counts in again) / mean if df >= 24 and mean > 0 else 1
        sides.append((rows, exposure, max(1, dispersion)))
    shared = [h for h in range(168) if min(side[1][h] for side in sides) >= 0.5]
    cells = [[[side[0][h] for side in sides], [side[1][h] for side in sides], 1] for h in shared]
    total = np.sum([c[0] for c in cells], axis=0)
    ratio = total[1] / total.sum()
    dispersion = max(side[2] for side in sides)
    pooled = []
    for rows, exposure, hours in cells:
        if pooled and sum(pooled[-1][0]) * min(ratio, 1 - ratio) < 2 * dispersion:
            pooled[-1] = [np.add(pooled[-1][0], rows), np.add(pooled[-1][1], exposure), pooled[-1][2] + hours]
        else:
            pooled.append([np.array(rows), np.array(exposure), hours])
    if len(pooled) > 1 and sum(pooled[-1][0]) * min(ratio, 1 - ratio) < 2 * dispersion:
        rows, exposure, hours = pooled.pop()
        pooled[-1] = [np.add(pooled[-1][0], rows), np.add(pooled[-1][1], exposure), pooled[-1][2] + hours]
    rows = np.array([c[0] for c in pooled])
    exposure = np.array([c[1] for c in pooled])
    hours = np.array([c[2] for c in pooled])
    t = rows.sum(axis=1)

    def chance(log_ratio):
        rho = math.exp(log_ratio)
        return rho * exposure[:, 1] / (exposure[:, 0] + rho * exposure[:, 1])

    log_ratio = optimize.brentq(lambda r: float((t * chance(r)).sum() - rows[:, 1].sum()), -50, 50, xtol=1e-14, rtol=1e-14)
    p = chance(log_ratio)
    statistic = float(((rows[:, 1] - t * p) ** 2 / (t * p * (1 - p))).sum() / dispersion)
    shares = rows / exposure * hours[:, None]
    a, b = shares[:, 0] / shares[:, 0].sum(), shares[:, 1] / shares[:, 1].sum()
    some = a + b > 0
    v = math.sqrt(float(((a - b)[some] ** 2 / (a + b)[some]).sum()) / 2)
    df = len(pooled) - 1
    return {"hours": len(shared), "df": df, "statistic": statistic, "dispersion": float(dispersion), "v": v, "p": float(stats.chi2.sf(statistic, df))}


def spec(seed, n, start, hours, squared=False):
    return {"seed": seed, "n": n, "start": start, "hours": hours, "squared": squared}


def main():
    cases = []
    january, march = 1_767_225_600_000_000, 1_774_569_600_000_000  # 2026-01-01 and 2026-03-27, midnight UTC
    for zone, baseline, current in [
        ("UTC", spec(1, 3000, january, 28 * 24), spec(2, 900, january + 28 * 24 * HOUR, 7 * 24)),
        ("UTC", spec(3, 2000, january, 28 * 24), spec(4, 400, january + 100, 60, True)),
        ("Europe/Berlin", spec(5, 1500, march, 6 * 24), spec(6, 1500, march + 24 * HOUR, 9 * 24, True)),
        ("Asia/Kathmandu", spec(7, 120, january, 14 * 24, True), spec(8, 100, january, 14 * 24)),
        ("Australia/Lord_Howe", spec(9, 700, march, 20 * 24), spec(10, 600, march, 20 * 24)),
    ]:
        x, y = instants(baseline), instants(current)
        above, below = gaps(x, y)
        cases.append({"zone": zone, "baseline": baseline, "current": current, "above": above, "below": below, "season": season(x, y, zone)})
    path = pathlib.Path(__file__).with_name("golden.json")
    lines = ",\n".join("    " + json.dumps(case) for case in cases)
    versions = json.dumps({"numpy": np.__version__, "scipy": scipy.__version__})
    path.write_text(f'{{\n  "versions": {versions},\n  "cases": [\n{lines}\n  ]\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
