"""Each shape against its docstring's formula in 50 digits, at run lengths from 7 to 10**12 updates.

The bound: 2 units in the last place of the value, whatever the shape, its levels and the length of the run. The laws
of laws/test_exact.py hold it for random shapes and compositions; here are the lengths and levels that people use.
"""

import math
import random

import pytest
from mpmath import mp, mpf

import rheostat as rh

mp.dps = 50
LENGTHS = [7, 100, 997, 35_190, 10**6, 10**9 + 7, 10**12]
ULPS = 2


def at(n):
    """Positions of every kind: the first and last ones, simple fractions, and some at random on three scales."""
    rng = random.Random(n)
    some = {0, 1, 2, 3, n // 7, n // 3, n // 2 - 1, n // 2, 2 * n // 3, n - 3, n - 2, n - 1, n}
    some |= {rng.randrange(n) for _ in range(60)}
    near = {int(n ** rng.random()) for _ in range(30)}
    return sorted(t for t in some | near | {n - t for t in near} if 0 <= t <= n)


def blend(start, end, w):
    return mpf(end) + (mpf(start) - mpf(end)) * w


WEIGHTS = {
    "linear": lambda p: 1 - p,
    "cosine": lambda p: (1 + mp.cos(mp.pi * p)) / 2,
    "one_minus_sqrt": lambda p: 1 - mp.sqrt(p),
    "rex": lambda p: (1 - p) / (1 - p / 2),
    **{f"polynomial(power={k})": lambda p, k=k: (1 - p) ** mpf(k) for k in (0.01, 0.5, 0.9, 2, 3.7, 100, 1000)},
}


def check(schedule, run, exact, ulps=ULPS):
    curve = schedule.over(run)
    for t in at(run.steps):
        true, ours = exact(t), curve.at(t)
        if true < mpf(2) ** -1000:  # where float64 itself runs out of digits
            assert 0 <= ours < 1e-300
            continue
        assert abs(mpf(ours) - true) <= ulps * math.ulp(float(true)), (t, ours, true)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("start", "end"), [(1.0, 0.0), (1.0, 0.1), (0.3, 2.0), (0.0, 1.0)])
@pytest.mark.parametrize("shape", WEIGHTS)
def test_decays(shape, start, end, n):
    levels = f"end={end}, start={start})"
    text = shape.replace(")", f", {levels}") if "(" in shape else f"{shape}({levels}"
    check(rh.parse(text), rh.Run(steps=n), lambda t: blend(start, end, WEIGHTS[shape](mpf(t) / n)))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("start", [None, 0.0, 0.01, 0.9])
@pytest.mark.parametrize("shape", ["linear", "cosine", "exponential"])
def test_warmups(shape, start, n):
    if shape == "exponential" and not start:
        return
    w = max(n // 3, 1)
    forms = {
        "linear": lambda s, p: s * (1 - p) + p,
        "cosine": lambda s, p: s + (1 - s) * mp.sin(mp.pi / 2 * p) ** 2,
        "exponential": lambda s, p: s ** (1 - p),
    }

    def exact(t):
        p = min(mpf(t + (start is None)) / w, mpf(1))
        return forms[shape](mpf(start or 0), p)

    check(rh.warmup(f"{w} steps", start=start, shape=shape), rh.Run(steps=n), exact)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("factor", [0.1, 0.5, 0.97, 1e-6, 1.01])
@pytest.mark.parametrize("every", [1, 7, 100.3])
def test_powers(factor, every, n):
    """Intervals that are a whole number of updates and some that are not."""
    interval = max(n // 9, 1) * mpf(str(every))
    span = rh.Span(max(n // 9, 1) * rh.Span(every, "steps").exact, "steps")
    run = rh.Run(steps=n)
    smooth = lambda t: mpf(factor) ** (mpf(t) / interval)
    check(rh.exponential(factor=factor, every=span), run, smooth)

    def stairs(t):
        k = int(mpf(min(t, n - 1)) / interval) + 1
        k -= mp.floor(k * interval + 0.5) > min(t, n - 1)
        return mpf(factor) ** int(k)

    check(rh.step(factor=factor, every=span), run, stairs)


def test_many_tiny_powers_do_not_add_up():
    check(
        rh.exponential(factor=0.999999, every="1e5 steps"),
        rh.Run(steps=10**12),
        lambda t: mpf(0.999999) ** (mpf(t) / 10**5),
    )


@pytest.mark.parametrize("n", LENGTHS)
def test_inverse_square_root(n):
    scale = max(n // 9, 1)
    check(rh.inverse_sqrt(f"{scale} steps"), rh.Run(steps=n), lambda t: 1 / mp.sqrt(1 + mpf(t) / scale))


@pytest.mark.parametrize("n", LENGTHS)
def test_points(n):
    if n < 20:
        return
    points = [(n // 10, 0.2), (n // 2, 1.0), (n - 1, 0.0)]
    schedule = lambda shape: rh.piecewise([(f"{a} steps", level) for a, level in points], shape=shape)

    def exact(smooth):
        def value(t):
            if t <= points[0][0]:
                return mpf(0.2)
            for (a, x), (b, y) in zip(points, points[1:]):
                if a <= t < b:
                    p = mpf(t - a) / (b - a)
                    return blend(y, x, mp.sin(mp.pi / 2 * p) ** 2 if smooth else p)
            return mpf(0)

        return value

    check(schedule("linear"), rh.Run(steps=n), exact(smooth=False))
    check(schedule("cosine"), rh.Run(steps=n), exact(smooth=True))


@pytest.mark.parametrize("n", LENGTHS)
def test_cycles(n):
    period, last = max(n // 5, 1), lambda t: min(t, n - 1)
    k = lambda t: last(t) // period
    p = lambda t: mpf(t - k(t) * period) / period
    check(
        rh.cosine_restarts(period=f"{period} steps", end=0.01, decay=0.7),
        rh.Run(steps=n),
        lambda t: blend(max(mpf(0.7) ** k(t), mpf(0.01)), 0.01, (1 + mp.cos(mp.pi * p(t))) / 2),
    )
    triangle = lambda t: 1 - abs(2 * p(t) - 1)
    if period % 2 == 0:
        half = f"{period // 2} steps"
        run = rh.Run(steps=n)
        check(
            rh.cyclic(low=0.1, up=half, mode="triangular2"),
            run,
            lambda t: blend(1, 0.1, triangle(t) * mpf(0.5) ** k(t)),
        )
