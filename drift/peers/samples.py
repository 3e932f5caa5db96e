"""The samples of golden values: made from a seed by splitmix64, which the Go package goldentest repeats.

`make golden` puts this folder on the scripts' path; by hand: PYTHONPATH=drift/peers .deps/peers/bin/python SCRIPT.
"""

import numpy as np

MASK = (1 << 64) - 1


def stream(seed):
    """Numbers in [0,1) with 53 bits."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        yield (z >> 11) * 2.0**-53


def splitmix(seed, n):
    """The first n numbers of a seed."""
    return np.fromiter(stream(seed), float, n)


def made(seed, n, levels=0, shift=0.0, scale=1.0):
    """A spec of n numbers from shift to shift + scale, of so many levels or any."""
    return {"seed": seed, "n": n, "levels": levels, "shift": shift, "scale": scale}


def draw(spec):
    """The sample that a spec stands for, listed or made, sorted."""
    if "values" in spec:
        return np.sort(np.array(spec["values"], dtype=float))
    u = splitmix(spec["seed"], spec["n"])
    if spec["levels"]:
        u = np.floor(u * spec["levels"]) / spec["levels"]
    return np.sort(u * spec["scale"] + spec["shift"])
