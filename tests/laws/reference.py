"""Schedules beside what they should be: the published formulas in 50 digits and more, written from their sources alone.

`shapes(n)` and `compositions(n)` draw a `Known`: a schedule of n updates, its exact value at any of them, and how far
from that float64 may be. Lengths are whole updates here, so that who owns an update is a matter of integers.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from hypothesis import strategies as st
from mpmath import mp, mpf

import rheostat as rh

mp.dps = 350  # so that 50 digits are right of the smallest float64 too, whatever it is a difference of
ULPS = 2
TINY = mpf(2) ** -1000  # below this float64 itself runs out of digits


class Known(NamedTuple):
    """A schedule, its exact value at update t with the error that is allowed there, and where something happens."""

    schedule: rh.Schedule
    value: Callable[[int], tuple[mpf, mpf]]
    edges: tuple[int, ...] = ()


def ulp(x):
    return mpf(math.ulp(float(x)))


def shape(schedule, formula, *edges):
    """One shape: right to within two units in the last place."""

    def value(t):
        exact = formula(t)
        return exact, max(ULPS * ulp(exact), TINY)

    return Known(schedule, value, edges)


def steps(n):
    return f"{n} steps"


def half_up(x):
    return math.floor(Fraction(x) + Fraction(1, 2))


def mix(start, end, p):
    return mpf(start) + (mpf(end) - mpf(start)) * p


def half_wave(p):
    return (1 - mp.cos(mp.pi * p)) / 2


# Levels and factors as people write them, and any others.
levels = st.one_of(
    st.sampled_from([0.0, 1.0, 0.1, 0.01, 1e-3, 0.5, 1e-6]),
    st.floats(0.0, 2.0).map(lambda x: round(x, 3)),
    st.floats(1e-9, 10.0, allow_subnormal=False),
)
shares = st.one_of(st.sampled_from([0.1, 0.5, 0.01, 0.9]), st.floats(1e-6, 1.0, exclude_max=True))
lengths = st.one_of(
    st.integers(1, 100), st.integers(1, 10**5), st.floats(0, 12).map(lambda x: int(10**x)), st.integers(1, 10**12)
)


@st.composite
def decays(draw, n):
    """linear, cosine, one_minus_sqrt (Hägele et al. 2024), rex (Chen et al. 2022), polynomial."""
    start, end = draw(levels), draw(levels)
    power = mpf(draw(st.one_of(st.sampled_from([0.5, 0.9, 1, 2, 3, 100]), st.floats(0.01, 200))))
    forms = {
        "linear": lambda p: p,
        "cosine": half_wave,
        "one_minus_sqrt": mp.sqrt,
        "rex": lambda p: 1 - (1 - p) / (1 - p / 2),
        "polynomial": lambda p: 1 - (1 - p) ** power,
    }
    name = draw(st.sampled_from(sorted(forms)))
    more = {"power": float(power)} if name == "polynomial" else {}
    schedule = getattr(rh, name)(start=start, end=end, over=steps(n), **more)
    return shape(schedule, lambda t: mix(start, end, forms[name](mpf(t) / n)), n // 2)


@st.composite
def warmups(draw, n):
    """Goyal et al. 2017; the count from 1 where no start is given."""
    form = draw(st.sampled_from(["linear", "cosine", "exponential"]))
    start = draw(shares if form == "exponential" else st.one_of(st.none(), st.just(0.0), shares))

    def formula(t):
        p = mpf(t + (start is None)) / n if t < n else mpf(1)
        if form == "exponential":
            return mpf(start) ** (1 - p)
        return mix(start or 0, 1, half_wave(p) if form == "cosine" else p)

    return shape(rh.warmup(steps(n), start=start, shape=form), formula, n - 1)


@st.composite
def stairs(draw, n):
    """step (also at intervals that are no whole number), multistep (He et al. 2016), exponential, inverse_sqrt."""
    d = draw(st.sampled_from([1, 1, 2, 4, 5, 10]))
    every = Fraction(draw(st.integers(max(d, n // 200), max(2 * d, 2 * n))), d)
    factor, last = draw(st.one_of(shares, st.just(1.0))), n - 1
    kind = draw(st.sampled_from(["step", "multistep", "exponential", "inverse_sqrt", "constant"]))
    if kind == "constant":
        level = draw(levels)
        return shape(rh.constant(level, over=steps(n)), lambda _: mpf(level))
    if kind == "exponential":
        formula = lambda t: mpf(factor) ** (mpf(t) * every.denominator / every.numerator)
        return shape(rh.exponential(factor=factor, every=rh.Span(every, "steps"), over=steps(n)), formula)
    if kind == "inverse_sqrt":
        formula = lambda t: 1 / mp.sqrt(1 + mpf(t) * every.denominator / every.numerator)
        return shape(rh.inverse_sqrt(rh.Span(every, "steps"), over=steps(n)), formula)
    if kind == "step":
        k = draw(st.integers(1, 200))
        drop = half_up(k * every)

        def formula(t):
            t = min(t, last)
            i = t * every.denominator // every.numerator
            i += half_up((i + 1) * every) <= t
            return mpf(factor) ** i

        return shape(rh.step(factor=factor, every=rh.Span(every, "steps"), over=steps(n)), formula, drop)
    at = sorted(draw(st.sets(st.integers(1, max(n, 2)), min_size=1, max_size=5)))
    formula = lambda t: mpf(factor) ** sum(a <= min(t, last) for a in at)
    return shape(rh.multistep(at=[steps(a) for a in at], factor=factor, over=steps(n)), formula, *at)


@st.composite
def cycles(draw, n):
    """Cyclic, in three modes (Smith 2017), and cosine restarts that grow and decay (Loshchilov & Hutter 2017)."""
    last = n - 1
    least = max(1, n // 300)
    if draw(st.booleans()):
        up, down = (draw(st.integers(least, max(least, n))) for _ in range(2))
        mode, low = draw(st.sampled_from(["triangular", "triangular2", "exp_range"])), draw(shares)
        more, inverted = {}, draw(st.booleans())
        factor, every = draw(shares), draw(st.integers(least, 2 * n))
        if mode == "exp_range":
            more = {"factor": factor, "every": steps(every)}

        def formula(t):
            k = min(t, last) // (up + down)
            local = t - k * (up + down)  # the end of the last cycle belongs to it
            ramp = mpf(local) / up if local < up else mpf(up + down - local) / down
            high = {"triangular": 1, "triangular2": mpf(2) ** -k, "exp_range": mpf(factor) ** (mpf(t) / every)}[mode]
            return mix(1, low, ramp * high) if inverted else mix(low, 1, ramp * high)

        s = rh.cyclic(low=low, up=steps(up), down=steps(down), mode=mode, inverted=inverted, over=steps(n), **more)
        return shape(s, formula, up, up + down, 2 * up + down)
    period, growth = draw(st.integers(least, max(least, n))), draw(st.sampled_from([1, 2, 3, 1.5]))
    end, decay = draw(st.one_of(st.just(0.0), shares)), draw(st.one_of(st.just(1.0), shares))
    begins = [Fraction(0)]
    length = Fraction(period)
    while begins[-1] <= n:
        begins.append(begins[-1] + length)
        length *= Fraction(growth)
    whole = [half_up(b) for b in begins]

    def formula(t):
        k = max(i for i, b in enumerate(whole) if b <= min(t, last))
        p = mpf(t - whole[k]) / (whole[k + 1] - whole[k])
        return mix(max(mpf(decay) ** k, mpf(end)), end, half_wave(p))

    s = rh.cosine_restarts(period=steps(period), growth=growth, end=end, decay=decay, over=steps(n))
    return shape(s, formula, *whole[1:4])


@st.composite
def points(draw, n):
    """Through given points: straight, in steps, along half cosines."""
    at = sorted(draw(st.sets(st.integers(0, n), min_size=1, max_size=6)))
    at_levels = [draw(levels) for _ in at]
    form = draw(st.sampled_from(["linear", "constant", "cosine"]))

    def formula(t):
        t = min(t, n - 1) if form == "constant" else t
        if t < at[0]:
            return mpf(at_levels[0])
        i = max(k for k, a in enumerate(at) if a <= t)
        if form == "constant" or i == len(at) - 1:
            return mpf(at_levels[i])
        p = mpf(t - at[i]) / (at[i + 1] - at[i])
        return mix(at_levels[i], at_levels[i + 1], half_wave(p) if form == "cosine" else p)

    pairs = [(steps(a), level) for a, level in zip(at, at_levels, strict=True)]
    return shape(rh.piecewise(pairs, shape=form, over=steps(n)), formula, *at)


FAMILIES = {"decays": decays, "warmups": warmups, "stairs": stairs, "cycles": cycles, "points": points}


def shapes(n):
    return st.one_of(*(family(n) for family in FAMILIES.values()))


@st.composite
def compositions(draw, n, depth=2):
    """>>, *, scale, clip and repeat, within one another."""
    kind = (
        draw(st.sampled_from(["shape", "sequence", "product", "scaled", "clipped", "repeated"])) if depth else "shape"
    )
    if kind == "sequence" and n > 1:
        cut = draw(st.integers(1, n - 1))
        a, b = draw(compositions(cut, depth - 1)), draw(compositions(n - cut, depth - 1))
        value = lambda t: a.value(t) if t < cut else b.value(t - cut)
        return Known(a.schedule >> b.schedule, value, (cut, *a.edges, *(cut + e for e in b.edges)))
    if kind == "product":
        a, b = draw(compositions(n, depth - 1)), draw(compositions(n, depth - 1))
        return Known(a.schedule * b.schedule, lambda t: times(a.value(t), b.value(t)), a.edges + b.edges)
    if kind == "scaled":
        a, k = draw(compositions(n, depth - 1)), draw(levels)
        return Known(a.schedule.scale(k), lambda t: times(a.value(t), (mpf(k), mpf(0))), a.edges)
    if kind == "clipped":
        a, (low, high) = draw(compositions(n, depth - 1)), sorted([draw(levels), draw(levels)])

        def clipped(t):
            exact, error = a.value(t)
            return min(max(exact, mpf(low)), mpf(high)), error

        return Known(a.schedule.clip(min=low, max=high), clipped, a.edges)
    if kind == "repeated":
        turns = draw(st.integers(1, 7))
        if n % turns == 0:
            m = n // turns
            a = draw(compositions(m, depth - 1))
            value = lambda t: a.value(t - min(t // m, turns - 1) * m)
            return Known(a.schedule.repeat(turns), value, (m, *a.edges, *(m + e for e in a.edges)))
    return draw(shapes(n))


def times(a, b):
    """The product of two values and the error that theirs lead to, with one rounding of its own."""
    (x, dx), (y, dy) = a, b
    return x * y, abs(x) * dy + abs(y) * dx + dx * dy + max(ulp(x * y) / 2, TINY)
