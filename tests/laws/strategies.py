"""Random schedules and runs, for laws that hold for all of them."""

from hypothesis import strategies as st

import rheostat as rh

factors = st.floats(0.0, 2.0, allow_nan=False).map(lambda x: round(x, 4))
falls = st.floats(0.01, 1.0).map(lambda x: round(x, 4))
spans = st.one_of(
    st.integers(1, 400).map(lambda n: f"{n} steps"),
    st.integers(1, 400).map(lambda n: f"{n / 100} epochs"),
    st.integers(1, 40).map(lambda n: f"{n}%"),
    # At least one update each: a shorter part is given one, and then sums are no longer exact.
    st.integers(32, 9000).map(lambda n: f"{n} samples"),
    st.integers(25, 9000).map(lambda n: rh.Span(n / 10, "tokens")),
)
overs = st.one_of(st.none(), spans)


def decays(over):
    end, start = factors, factors
    return st.one_of(
        st.builds(rh.linear, end=end, start=start, over=over),
        st.builds(rh.cosine, end=end, start=start, over=over),
        st.builds(rh.rex, end=end, start=start, over=over),
        st.builds(rh.one_minus_sqrt, end=end, start=start, over=over),
        st.builds(rh.polynomial, power=st.floats(0.1, 5).map(lambda x: round(x, 3)), end=end, start=start, over=over),
    )


def shapes(over):
    """Every shape but warmup (whose length is its own) and from_function (which has no text)."""
    return st.one_of(
        decays(over),
        st.builds(rh.constant, factors, over=over),
        st.builds(rh.step, every=spans, factor=falls, over=over),
        st.builds(rh.exponential, factor=falls, every=spans, over=over),
        st.builds(rh.inverse_sqrt, spans, over=over),
        st.lists(st.integers(1, 900), min_size=1, max_size=4, unique=True).flatmap(
            lambda at: st.builds(rh.multistep, at=st.just([f"{n} steps" for n in sorted(at)]), factor=falls, over=over)
        ),
        st.lists(st.tuples(st.integers(0, 900), factors), min_size=1, max_size=4, unique_by=lambda p: p[0]).flatmap(
            lambda ps: st.builds(
                rh.piecewise,
                st.just([(f"{n} steps", level) for n, level in sorted(ps)]),
                shape=st.sampled_from(["linear", "constant", "cosine"]),
                over=over,
            )
        ),
        st.builds(
            rh.cyclic,
            low=falls,
            up=st.integers(1, 50).map(lambda n: f"{n} steps"),
            down=st.one_of(st.none(), st.integers(1, 50).map(lambda n: f"{n}.25 steps")),
            mode=st.sampled_from(["triangular", "triangular2"]),
            inverted=st.booleans(),
            over=over,
        ),
        st.builds(
            rh.cyclic,
            low=falls,
            up=st.integers(4, 200).map(lambda n: f"{n / 4} steps"),
            mode=st.just("exp_range"),
            factor=falls,
            every=spans,
            over=over,
        ),
        st.builds(
            rh.cosine_restarts,
            period=st.integers(1, 300).map(lambda n: f"{n} steps"),
            growth=st.sampled_from([1, 2, 1.5]),
            end=st.floats(0, 1).map(lambda x: round(x, 3)),
            decay=falls,
            over=over,
        ),
        st.builds(
            rh.plateau, factor=st.floats(0.1, 0.9).map(lambda x: round(x, 2)), patience=st.integers(0, 5), over=over
        ),
    )


warmups = st.one_of(
    st.builds(rh.warmup, spans, shape=st.sampled_from(["linear", "cosine"])),
    st.builds(rh.warmup, spans, start=falls, shape=st.sampled_from(["linear", "cosine", "exponential"])),
)
lasting = st.one_of(shapes(spans), warmups)
open_ended = shapes(st.none())


def has_plateau(s):
    return "plateau" in repr(s)


def wrapped(inner):
    return st.one_of(
        inner,
        st.builds(lambda s, n: s if has_plateau(s) else s.repeat(n), inner, st.integers(1, 7)),
        st.builds(lambda s, lo, hi: s.clip(min=min(lo, hi), max=max(lo, hi)), inner, factors, factors),
        st.builds(lambda s, k: s.scale(k), inner, factors),
    )


def _sequence(parts):
    result = parts[0]
    for part in parts[1:]:
        result = result >> part
    return result


sequences = st.builds(
    lambda parts, rest, at: _sequence([*parts[:at], rest, *parts[at:]]),
    st.lists(wrapped(lasting), min_size=1, max_size=3),
    wrapped(open_ended),
    st.integers(0, 3),
)
products = st.builds(lambda a, b: a * b, wrapped(open_ended), wrapped(st.one_of(open_ended, lasting)))
schedules = st.one_of(
    open_ended,
    warmups,
    sequences,
    products,
    st.builds(lambda a, b: a * b, sequences, open_ended),
    wrapped(st.one_of(sequences, products)),
    st.builds(lambda a, b: a * b, wrapped(sequences), wrapped(sequences)),
)
runs = st.integers(2500, 6000).map(
    lambda n: rh.Run(steps=n, steps_per_epoch=100, samples_per_step=32, tokens_per_step=2.5)
)
RUN = rh.Run(steps=4000, steps_per_epoch=100, samples_per_step=32, tokens_per_step=2.5)
