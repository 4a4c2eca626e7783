"""Laws of the audit: what it names reproduces the log, and a log that is as planned is never doubted."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import rheostat as rh

BASE = 0.03
plans = st.sampled_from(
    [
        "cosine(end=0.1)",
        "linear()",
        "warmup('7%') >> cosine()",
        "warmup('40 steps', start=0.1) >> linear(end=0.02)",
        "wsd(warmup='5%', cooldown='20%')",
        "one_cycle()",
        "step(every='60 steps', factor=0.7)",
        "warmup('30 steps') >> inverse_sqrt('30 steps')",
        "exponential(factor=0.5, every='100 steps')",
        "cosine_restarts(period='90 steps', end=0.1)",
        "polynomial(power=2.0, end=0.05)",
    ]
)
lengths = st.integers(200, 700)


def values(plan, run, t):
    return rh.parse(plan).over(run).factors(np.maximum(t, 0).astype(np.float64)) * BASE


@st.composite
def mistaken(draw):
    """A plan, its run, and a log in which one random mistake was made."""
    plan, n = draw(plans), draw(lengths)
    per_epoch = draw(st.sampled_from([10, 25, 40]))
    run, t = rh.Run(steps=n, steps_per_epoch=per_epoch), np.arange(n)
    right = values(plan, run, t)
    at = draw(st.integers(n // 4, 3 * n // 4))
    kind = draw(
        st.sampled_from(["shift", "times", "kth", "stairs", "scaled", "stop", "length", "jump", "over", "since"])
    )
    k = draw(st.integers(2, 30))
    if kind == "shift":
        return plan, run, values(plan, run, t + draw(st.integers(-40, 40)))
    if kind == "times":
        return plan, run, values(plan, run, t * k)
    if kind in ("kth", "stairs"):
        m = draw(st.sampled_from([k, per_epoch]))
        return plan, run, values(plan, run, t // m * (1 if kind == "kth" else m))
    if kind == "scaled":
        return plan, run, right * draw(st.floats(0.01, 50))
    if kind == "stop":
        return plan, run, values(plan, run, np.minimum(t, at))
    if kind == "length":
        return plan, run, values(plan, rh.Run(steps=draw(st.integers(120, 3000)), steps_per_epoch=per_epoch), t)
    if kind == "jump":
        return plan, run, values(plan, run, np.where(t < at, t, t - at + draw(st.integers(0, n))))
    until = draw(st.integers(at + 1, n))
    inside = (t >= at) & (t < until)
    return plan, run, np.where(inside, 0.0117 if kind == "over" else right * draw(st.floats(0.1, 9)), right)


@given(mistaken(), st.sampled_from(["whole", "thinned", "float32"]))
@settings(max_examples=60)
def test_the_mistake_that_is_named_reproduces_the_log(made, form):
    plan, run, used = made
    t = np.arange(used.size)
    if form == "thinned":
        t, used = t[::3], used[::3]
    elif form == "float32":
        used = used.astype(np.float32).astype(np.float64)
    found = rh.audit({"step": t, "lr": used}, plan, run, BASE)
    planned = values(plan, run, t)
    assert found.explained is not None, f"{plan}: nothing explains the log"
    assert np.abs(found.explained - used).max() <= 2e-6 * max(used.max(), BASE)
    assert found.residual <= 2e-6 * max(used.max() / planned.max(), 1) * 10
    if not found.matches:
        first = found.first_difference
        i = int(np.flatnonzero(t == first.update)[0])
        assert (first.planned, first.used) == (planned[i], used[i])
        assert np.abs(used[:i] - planned[:i]).max(initial=0) <= 2e-6 * BASE


@given(plans, lengths, st.integers(1, 9), st.sampled_from([np.float64, np.float32]), st.sampled_from([BASE, None]))
@settings(max_examples=60)
def test_a_log_as_planned_is_never_doubted(plan, n, every, kind, base):
    run, t = rh.Run(steps=n, steps_per_epoch=20), np.arange(0, n, every)
    found = rh.audit({"step": t, "lr": values(plan, run, t).astype(kind)}, plan, run, base)
    assert found.matches
    assert found.hypothesis == "as planned"
