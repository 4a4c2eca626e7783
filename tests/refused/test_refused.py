"""Bad input, as one table: what is written, and what the error says. Every error names argument, value, need and mend."""

from fractions import Fraction

import numpy as np
import pytest

import rheostat as rh

NAN, INF = float("nan"), float("inf")
RUN = rh.Run(epochs=10, steps_per_epoch=100)

TABLE = [
    # Lengths
    (lambda: rh.warmup(30), "over=30: need a length with a unit. Try '30 steps' or '30 epochs'."),
    (lambda: rh.warmup(0.05), "over=0.05: need a length with a unit. Try '0.05 steps' or '0.05 epochs'."),
    (lambda: rh.warmup("30"), "over='30': need a number ≥ 0 with a unit. Try '30 steps' or '30 epochs'."),
    (
        lambda: rh.warmup(None),
        "over=None: need a length with a unit, as text or a Span. Try '500 steps' or '3 epochs'.",
    ),
    (lambda: rh.warmup(True), "over=True: need a length with a unit, as text or a Span."),
    (lambda: rh.warmup("0 steps"), "over='0 steps': need a length above 0. Try '1 steps', or leave this part out."),
    (
        lambda: rh.warmup("5 epoches"),
        "unit='epoches': need one of steps, epochs, samples, tokens, %, s, min, h. Try 'epochs'.",
    ),
    (lambda: rh.warmup("5 lightyears"), "unit='lightyears': need one of steps"),
    (lambda: rh.warmup("-5 steps"), "need a number between 0 and 1e+15"),
    (lambda: rh.warmup("nan steps"), "over='nan steps': need a number ≥ 0 with a unit."),
    (lambda: rh.warmup("1e400 steps"), "need a number between 0 and 1e+15"),
    (lambda: rh.Span(NAN, "steps"), "amount=nan: need a finite number ≥ 0"),
    (lambda: rh.Span(INF, "steps"), "amount=inf: need a finite number ≥ 0"),
    (lambda: rh.Span(-1, "steps"), "amount=-1.0: need a number between 0 and 1e+15"),
    (lambda: rh.Span("3", "steps"), "amount='3': need a number ≥ 0"),
    (lambda: rh.Span(True, "steps"), "amount=True: need a number ≥ 0"),
    (lambda: rh.Span(3, "parsecs"), "unit='parsecs': need one of"),
    (lambda: rh.Span(3, 4), "unit=4: need one of"),
    (lambda: rh.cosine(over=90), "over=90: need a length with a unit. Try '90 steps' or '90 epochs'."),
    (lambda: rh.step(every=30, factor=0.1), "every=30: need a length with a unit. Try '30 steps' or '30 epochs'."),
    # Levels
    (lambda: rh.cosine(end=-0.1), "end=-0.1: need a finite number ≥ 0 or absolute(...). Try end=0.1."),
    (lambda: rh.cosine(end=NAN), "end=nan: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end=INF), "end=inf: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end="0.1"), "end='0.1': need a finite number ≥ 0 or absolute(...). Try end=0.1 without quotes."),
    (lambda: rh.cosine(end=None), "end=None: need a finite number ≥ 0"),
    (lambda: rh.cosine(end=True), "end=True: need a finite number ≥ 0"),
    (lambda: rh.cosine(end=1j), "end=1j: need a finite number ≥ 0"),
    (lambda: rh.cosine(end=[0.1]), "end=[0.1]: need a finite number ≥ 0"),
    (lambda: rh.linear(start=-1), "start=-1: need a finite number ≥ 0 or absolute(...). Try start=1."),
    (lambda: rh.constant(-1e-3), "factor=-0.001: need a finite number ≥ 0"),
    (lambda: rh.absolute(-1e-6), "value=-1e-06: need a finite number ≥ 0. Try value=1e-06."),
    (lambda: rh.absolute(NAN), "value=nan: need a finite number ≥ 0."),
    (lambda: rh.polynomial(power=0), "power=0: need a finite number above 0 and ≤ 1000."),
    (lambda: rh.polynomial(power=-2), "power=-2: need a finite number above 0 and ≤ 1000. Try power=2."),
    (lambda: rh.polynomial(power=NAN), "power=nan: need a finite number above 0"),
    # Warmup
    (lambda: rh.warmup("5%", start=2), "start=2: need a factor in [0, 1], or absolute(...). Try start=0.01."),
    (lambda: rh.warmup("5%", shape="sine"), "shape='sine': need one of 'linear', 'cosine', 'exponential'."),
    (
        lambda: rh.warmup("5%", shape="exponential"),
        "start=None: need a start above 0 for an exponential warmup. Try start=0.01.",
    ),
    (lambda: rh.warmup("5%", start=0, shape="exponential"), "start=0: need a start above 0 for an exponential warmup."),
    # Stairs
    (lambda: rh.step(every="1 epochs", factor=0), "factor=0: need a finite number above 0."),
    (lambda: rh.step(every="1 epochs", factor=-0.1), "factor=-0.1: need a finite number above 0. Try factor=0.1."),
    (lambda: rh.step(every="1 epochs", factor=NAN), "factor=nan: need a finite number above 0."),
    (lambda: rh.exponential(factor=0, every="1 epochs"), "factor=0: need a finite number above 0."),
    (lambda: rh.multistep(at=[], factor=0.1), "at=[]: need at least one place. Try at=['30 epochs', '60 epochs']."),
    (lambda: rh.multistep(at="30 epochs", factor=0.1), "at='30 epochs': need a list of places with units."),
    (
        lambda: rh.multistep(at=[30, 60], factor=0.1),
        "at[0]=30: need a length with a unit. Try '30 steps' or '30 epochs'.",
    ),
    (lambda: rh.multistep(at=30, factor=0.1), "at=30: need a list of places with units."),
    (lambda: rh.inverse_sqrt(4000), "timescale=4000: need a length with a unit. Try '4000 steps' or '4000 epochs'."),
    # Cycles
    (lambda: rh.cyclic(low=2, up="1 epochs"), "low=2: need a factor in [0, 1], or absolute(...). Try low=0.1."),
    (
        lambda: rh.cyclic(low=0.1, up="1 epochs", mode="saw"),
        "mode='saw': need one of 'triangular', 'triangular2', 'exp_range'.",
    ),
    (lambda: rh.cyclic(low=0.1, up="1 epochs", mode="exp_range"), "need factor and every with mode='exp_range'"),
    (
        lambda: rh.cyclic(low=0.1, up="1 epochs", factor=0.9, every="1 steps"),
        "need factor and every with mode='exp_range'",
    ),
    (lambda: rh.cyclic(low=0.1, up="1 epochs", inverted=1), "inverted=1: need True or False"),
    (lambda: rh.cosine_restarts(period="1 epochs", growth=0.5), "growth=0.5: need a finite number ≥ 1 and ≤ 1000."),
    (lambda: rh.cosine_restarts(period="1 epochs", decay=0), "decay=0: need a finite number above 0 and ≤ 1."),
    (lambda: rh.cosine_restarts(period="1 epochs", decay=1.5), "decay=1.5: need a finite number above 0 and ≤ 1."),
    (
        lambda: rh.cosine_restarts(period="1 epochs", end=3),
        "end=3: need a factor in [0, 1], or absolute(...). Try end=0.1.",
    ),
    # Custom
    (lambda: rh.piecewise([]), "points=[]: need pairs of place and level."),
    (lambda: rh.piecewise("abc"), "points='abc': need pairs of place and level."),
    (
        lambda: rh.piecewise([("5 epochs",)]),
        "points[0]=('5 epochs',): need a pair of place and level. Try ('5 epochs', 1.0).",
    ),
    (lambda: rh.piecewise([(5, 1.0)]), "points[0]=5: need a length with a unit."),
    (lambda: rh.piecewise([("5 epochs", -1)]), "points[0]=-1: need a finite number ≥ 0"),
    (
        lambda: rh.piecewise([("5 epochs", 1)], shape="spline"),
        "shape='spline': need one of 'linear', 'constant', 'cosine'.",
    ),
    (lambda: rh.from_function(3), "f=3: need a function of progress. Try from_function(lambda p: 1 - p)."),
    (lambda: rh.from_function(lambda p: p - 0.5).over(RUN), "need finite factors ≥ 0; at progress 0 it gives -0.5"),
    (lambda: rh.from_function(lambda p: 1.0).over(RUN), "need as many factors as positions, shape (1001,), not ()"),
    (lambda: rh.from_function(lambda p: 1 / 0).over(RUN), "the function raised ZeroDivisionError: division by zero"),
    # Plateau
    (lambda: rh.plateau(factor=1), "factor=1: need a number above 0 and below 1. Try factor=0.1."),
    (lambda: rh.plateau(factor=0), "factor=0: need a finite number above 0 and ≤ 1."),
    (lambda: rh.plateau(patience=-1), "patience=-1: need a whole number ≥ 0. Try patience=3."),
    (lambda: rh.plateau(patience=2.5), "patience=2.5: need a whole number ≥ 0."),
    (lambda: rh.plateau(threshold=-1), "threshold=-1: need a finite number ≥ 0. Try threshold=1."),
    (lambda: rh.plateau(mode="best"), "mode='best': need one of 'min', 'max'."),
    (lambda: rh.plateau(cooldown=NAN), "cooldown=nan: need a whole number ≥ 0."),
    (lambda: rh.plateau(floor=2), "floor=2: need a finite number ≥ 0 and ≤ 1."),
    (lambda: rh.plateau(relative="rel"), "relative='rel': need True or False"),
    # Named
    (lambda: rh.one_cycle(warmup=0.3), "warmup=0.3: need a length with a unit."),
    (lambda: rh.one_cycle(start=25), "start=25: need a factor in [0, 1], or absolute(...). Try start=0.04."),
    (lambda: rh.one_cycle(shape="cos"), "shape='cos': need one of 'cosine', 'linear'."),
    (lambda: rh.one_cycle(three_phase=1), "three_phase=1: need True or False"),
    (lambda: rh.wsd(warmup=500, cooldown="20%"), "over=500: need a length with a unit."),
    (
        lambda: rh.wsd(warmup="5%", cooldown=500),
        "cooldown=500: need a length with a unit. Try '500 steps' or '500 epochs'.",
    ),
    # Algebra
    (lambda: rh.cosine() * 0.5, "operand of *=0.5: need a schedule. Try .scale(k), for a constant factor."),
    (lambda: 0.5 * rh.cosine(), "operand of *=0.5: need a schedule. Try .scale(k), for a constant factor."),
    (lambda: rh.cosine() >> 3, "operand of >>=3: need a schedule."),
    (
        lambda: rh.cosine() >> rh.linear(),
        "cosine() and linear(): need a length for all but one part of a sequence. Try over='10 epochs'.",
    ),
    (lambda: rh.cosine().clip(), "clip(): need min, max or both. Try .clip(min=0.01)."),
    (lambda: rh.cosine().clip(min=0.5, max=0.1), "min=0.5: need at most max=0.1. Try .clip(min=0.1, max=0.5)."),
    (lambda: rh.cosine().clip(min=NAN), "min=nan: need a finite number ≥ 0"),
    (lambda: rh.cosine().scale(-1), "k=-1: need a finite number ≥ 0. Try k=1."),
    (lambda: rh.cosine().scale(INF), "k=inf: need a finite number ≥ 0."),
    (lambda: rh.cosine().repeat(0), "n=0: need a whole number ≥ 1. Try n=3."),
    (lambda: rh.cosine().repeat(1.5), "n=1.5: need a whole number ≥ 1."),
    (
        lambda: rh.plateau().repeat(2),
        "repeat=plateau(): need a schedule without plateau. Try cosine().repeat(3) * plateau().",
    ),
    # Run
    (lambda: rh.Run(steps=0), "steps=0: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(steps=-5), "steps=-5: need a whole number ≥ 1."),
    (lambda: rh.Run(steps=2.5), "steps=2.5: need a whole number ≥ 1."),
    (lambda: rh.Run(steps=NAN), "steps=nan: need a whole number ≥ 1."),
    (lambda: rh.Run(steps="1000"), "steps='1000': need a whole number ≥ 1, without a unit. Try steps=1000."),
    (lambda: rh.Run(steps=True), "steps=True: need a whole number ≥ 1."),
    (lambda: rh.Run(epochs=INF), "epochs=inf: need a finite number above 0. Try epochs=90."),
    (lambda: rh.Run(epochs="90"), "epochs='90': need a number above 0, without a unit. Try epochs=90."),
    (lambda: rh.Run(steps=10, epochs=3), "Run(steps=10, epochs=3): need one horizon."),
    (lambda: rh.Run(samples=1e6), "samples_per_step=None: need what one update consumes, because samples is given."),
    (lambda: rh.Run(tokens=1e9), "tokens_per_step=None: need what one update consumes"),
    (lambda: rh.Run(time=30), "time=30: need a length with a unit."),
    (lambda: rh.Run(time="30 epochs"), "time='30 epochs': need a wall-clock length in s, min or h. Try time='30 min'."),
    (lambda: rh.Run(time="30 min", seconds_per_step=0), "seconds_per_step=0: need a finite number above 0."),
    (lambda: rh.Run(epochs=0.001, steps_per_epoch=10), "epochs=0.001: need at least one update."),
    # A schedule over a run
    (lambda: rh.cosine().over(1000), "run=1000: need a Run. Try rh.Run(steps=1000)."),
    (
        lambda: rh.cosine().over(rh.Run()),
        "need a known length, for cosine() to end. Try cosine(..., over='10000 steps')",
    ),
    (
        lambda: rh.cosine(over="5 epochs").over(rh.Run(steps=100)),
        "need steps_per_epoch in the Run, to convert epochs into updates.",
    ),
    (
        lambda: rh.cosine(over="5e6 tokens").over(RUN),
        "need tokens_per_step in the Run, to convert tokens into updates.",
    ),
    (lambda: rh.cosine(over="5 min").over(RUN), "need seconds_per_step in the Run, to convert min into updates."),
    (lambda: rh.warmup("5%").over(rh.Run()), "need a run of known length"),
    (lambda: rh.cosine().over(rh.Run(epochs=90)), "steps_per_epoch=None: need the number of updates in an epoch"),
    (
        lambda: (rh.warmup("20 epochs") >> rh.cosine()).over(RUN),
        "need room for cosine(); its other parts take 2000 of 1000 updates.",
    ),
    (
        lambda: (rh.constant() >> rh.cosine(over="5 epochs")).over(rh.Run(steps_per_epoch=100)),
        "for what follows constant() to begin",
    ),
    (
        lambda: rh.multistep(at=["60 epochs", "30 epochs"], factor=0.1).over(RUN),
        "need places in rising order; 60 epochs and 30 epochs are updates 6000 and 3000.",
    ),
    (lambda: rh.multistep(at=["1 epochs", "100 steps"], factor=0.1).over(RUN), "are updates 100 and 100."),
    (lambda: rh.piecewise([("2 epochs", 1), ("1 epochs", 0)]).over(RUN), "need places in rising order"),
    (lambda: rh.step(every="0.001 epochs", factor=0.1).over(RUN), "need at least one update. Try '1 steps'."),
    (lambda: rh.step(every="1 steps", factor=2).over(RUN), "need a factor that stays below 1e+12 over 1000 updates."),
    (lambda: rh.exponential(factor=1.1, every="1 steps").over(rh.Run()), "need at most 1 where the run has no end."),
    (lambda: rh.cosine().repeat(2000).over(RUN), "need at least one update for each of 2000."),
    # Base values and absolute levels
    (
        lambda: rh.cosine(end=rh.absolute(1e-6)).over(RUN),
        "need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine(end=rh.absolute(1e-2)).over(RUN, base=1e-3),
        "end=absolute(0.01): need a value that is not above the one it starts from, 0.001.",
    ),
    (lambda: rh.cosine(end=rh.absolute(1e-2)).over(RUN, base=0.0), "need a base value above 0; this group's is 0."),
    (
        lambda: rh.warmup("5%", start=rh.absolute(1)).over(RUN, base=0.1),
        "start=absolute(1): need at most the base value, 0.1.",
    ),
    (
        lambda: rh.cyclic(low=rh.absolute(1), up="1 epochs").over(RUN, base=0.1),
        "low=absolute(1): need at most the base value, 0.1.",
    ),
    (
        lambda: rh.cosine().clip(min=rh.absolute(1), max=0.5).over(RUN, base=0.1),
        "min=absolute(1): need at most max=0.5.",
    ),
    (lambda: rh.cosine().over(RUN, base=NAN), "base=nan: need a finite number ≥ 0."),
    (lambda: rh.cosine().over(RUN, base=-1), "base=-1: need a finite number ≥ 0. Try base=1."),
    # Curves
    (lambda: rh.cosine().over(RUN).at(-1), "t=-1: need a finite number ≥ 0 and ≤ 1e+15. Try t=1."),
    (lambda: rh.cosine().over(RUN).at(NAN), "t=nan: need a finite number ≥ 0"),
    (lambda: rh.cosine().over(RUN).at("3"), "t='3': need a number ≥ 0 with a unit. Try '3 steps' or '3 epochs'."),
    (lambda: rh.cosine().over(RUN).values(10, 5), "stop=5: need at least start=10"),
    (
        lambda: rh.cosine().over(RUN).values(0, 10**12),
        "stop=1000000000000: need at least start=0, and at most 1000000000 values",
    ),
    (
        lambda: rh.constant().over(rh.Run()).values(),
        "stop=None: need a number, because the run's length is unknown. Try values(stop=1000).",
    ),
    (lambda: rh.cosine().over(RUN).diff(3), "other=3: need a curve on the same axis, updates"),
    # Text
    (lambda: rh.parse(3), "text=3: need a schedule as text."),
    (lambda: rh.parse(""), "the text is empty: need a schedule."),
    (lambda: rh.parse("cosine"), "'cosine' is not called. Try 'cosine()'."),
    (lambda: rh.parse("cosin()"), "unknown schedule 'cosin'. Try 'cosine(...)'."),
    (lambda: rh.parse("0.5"), "need a schedule, not 0.5."),
    (lambda: rh.parse("cosine() + linear()"), "only >> and * combine schedules."),
    (lambda: rh.parse("cosine(end=0.1, end=0.2)"), "an argument is given twice."),
    (lambda: rh.parse("cosine(0.1)"), "cosine() takes 0 unnamed arguments but 1 was given."),
    (lambda: rh.parse("cosine(foo=1)"), "unexpected keyword argument 'foo'"),
    (lambda: rh.parse("step(every='1 epochs')"), "missing 1 required"),
    (lambda: rh.parse("warmup(5%)"), "invalid syntax"),
    (lambda: rh.parse("from_function(print)"), "from_function takes code, which text cannot name."),
    (lambda: rh.parse("cosine().bind(3)"), "unknown method 'bind'. Try one of clip, scale, repeat, on a schedule."),
    (lambda: rh.parse("constant(1/0)"), "only a number can be divided by a number, and not by 0."),
]


@pytest.mark.parametrize(("bad", "message"), TABLE, ids=range(len(TABLE)))
def test_it_is_refused_with_a_message_that_helps(bad, message):
    with pytest.raises(rh.ScheduleError) as caught:
        bad()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda: rh.cosine(end=np.float64(0.1)), "cosine(end=0.1)"),
        (lambda: rh.cosine(end=np.float32(0.5)), "cosine(end=0.5)"),
        (lambda: rh.cosine(end=Fraction(1, 4)), "cosine(end=0.25)"),
        (lambda: rh.linear(end=-0.0), "linear()"),
        (lambda: rh.plateau(patience=np.int64(3)), "plateau(patience=3)"),
        (lambda: rh.warmup(rh.Span(np.int64(500), "steps")), "warmup('500 steps')"),
        (lambda: rh.warmup(rh.Span(np.float64(0.1), "epochs")), "warmup('0.1 epochs')"),
        (lambda: rh.warmup("1 epoch"), "warmup('1 epochs')"),
        (lambda: rh.warmup("30 seconds"), "warmup('30 s')"),
        (lambda: rh.warmup("2e6 samples"), "warmup('2e6 samples')"),
        (lambda: rh.warmup(" 5 % "), "warmup('5%')"),
        (
            lambda: rh.multistep(at=("1 epochs", "2 epochs"), factor=0.1),
            "multistep(at=['1 epochs', '2 epochs'], factor=0.1)",
        ),
        (lambda: rh.Run(steps=np.int64(10)), "Run(steps=10)"),
        (lambda: rh.Run(steps=1e3), "Run(steps=1000)"),
        (lambda: rh.Run(epochs=np.float64(1.5), steps_per_epoch=10), "Run(epochs=1.5, steps_per_epoch=10)"),
        (lambda: rh.Run(time="90 min"), "Run(time='90 min')"),
    ],
)
def test_what_means_the_same_is_accepted_and_printed_plainly(made, text):
    assert repr(made()) == text


def test_an_error_in_a_part_says_which_part():
    schedule = rh.warmup("5%") >> rh.cosine(end=rh.absolute(1.0))
    with pytest.raises(rh.ScheduleError, match=r"in parts\[1\] cosine\(end=absolute\(1.0\)\)"):
        schedule.over(RUN, base=0.1)


@pytest.mark.parametrize(
    ("text", "column"), [("cosine() >> linaer()", 12), ("warmup('5%') >> cosine(end=-1)", 16), ("cosine(end=foo)", 11)]
)
def test_a_text_error_points_at_the_column(text, column):
    with pytest.raises(rh.NotationError) as caught:
        rh.parse(text)
    assert caught.value.column == column
    assert caught.value.text == text


HOSTILE = [
    "9**9**9",
    "(" * 5000,
    "[" * 150 + "]" * 150,
    "-" * 10_000 + "1",
    "constant(" * 300,
    "a" * 1_000_000,
    "cosine()." + "scale(1)." * 2000,
    "__import__('os').system('true')",
    "().__class__.__bases__",
    "(lambda: 1)()",
    "f'{1}'",
    "[x for x in (1,)]",
    "cosine(end=9" + "9" * 5000 + ")",
    "cosine(end=1e99999)",
    "cosine(**{'end': 1})",
    "cosine(*[1])",
    "cosine() if 1 else cosine()",
    "ｃosine(end=×)",
    "cosine()\x00",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[t[:20] for t in HOSTILE])
def test_hostile_text_is_refused(text):
    with pytest.raises(rh.ScheduleError):
        rh.parse(text)


@pytest.mark.parametrize("n", [100, 600])
def test_long_schedules_are_no_problem(n):
    s = rh.parse(" >> ".join([f"constant({i / n}, over='2 steps')" for i in range(n // 2)]))
    assert rh.parse(repr(s)) == s
    assert s.over(rh.Run(steps=n)).values()[-1] == (n // 2 - 1) / n
