"""What is refused where a schedule is made: what is written, and what the error says."""

from decimal import Decimal
from fractions import Fraction

import numpy as np

import rheostat as rh

NAN, INF = float("nan"), float("inf")
RUN = rh.Run(epochs=10, steps_per_epoch=100)

MAKERS = [
    # Lengths
    (lambda: rh.warmup(30), "over=30: need a length with a unit. Try '30 steps' or '30 epochs'."),
    (lambda: rh.warmup(0.05), "over=0.05: need a length with a unit. Try '0.05 steps' or '0.05 epochs'."),
    (lambda: rh.warmup(-3), "over=-3: need a length with a unit. Try '500 steps' or '500 epochs'."),
    (lambda: rh.warmup(NAN), "over=nan: need a length with a unit. Try '500 steps' or '500 epochs'."),
    (lambda: rh.warmup("30"), "over='30': need a number ≥ 0 with a unit. Try '30 steps' or '30 epochs'."),
    (
        lambda: rh.warmup(None),
        "over=None: need a length with a unit, as text or a Span. Try '500 steps' or '3 epochs'.",
    ),
    (
        lambda: rh.warmup(True),
        "over=True: need a length with a unit, as text or a Span. Try '500 steps' or '3 epochs'.",
    ),
    (lambda: rh.warmup("0 steps"), "over='0 steps': need a length above 0. Try '1 steps', or leave this part out."),
    (
        lambda: rh.warmup("5 epoches"),
        "over='5 epoches': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5 epochs'.",
    ),
    (
        lambda: rh.warmup("5 lightyears"),
        "over='5 lightyears': need a unit among steps, epochs, samples, tokens, %, s, min, h.",
    ),
    (lambda: rh.warmup("-5 steps"), "over='-5 steps': need a number ≥ 0 with a unit. Try '5 steps'."),
    (
        lambda: rh.warmup("nan steps"),
        (
            "over='nan steps': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', "
            "'1.5e9 tokens' or '30 min'."
        ),
    ),
    (lambda: rh.warmup("1e400 steps"), "over='1e400 steps': need a finite number ≥ 0 and ≤ 1e15."),
    (lambda: rh.Span(NAN, "steps"), "amount=nan: need a finite number ≥ 0."),
    (lambda: rh.Span(INF, "steps"), "amount=inf: need a finite number ≥ 0."),
    (lambda: rh.Span(-1, "steps"), "amount=-1: need a finite number ≥ 0."),
    (lambda: rh.Span("3", "steps"), "amount='3': need a number ≥ 0."),
    (lambda: rh.Span(True, "steps"), "amount=True: need a number ≥ 0."),
    (
        lambda: rh.Span(3, "parsecs"),
        "unit='parsecs': need one of steps, epochs, samples, tokens, %, s, min, h. Try 's'.",
    ),
    (lambda: rh.Span(3, 4), "unit=4: need one of steps, epochs, samples, tokens, %, s, min, h."),
    (lambda: rh.cosine(over=90), "over=90: need a length with a unit. Try '90 steps' or '90 epochs'."),
    (lambda: rh.step(every=30, factor=0.1), "every=30: need a length with a unit. Try '30 steps' or '30 epochs'."),
    # Levels
    (lambda: rh.cosine(end=-0.1), "end=-0.1: need a finite number ≥ 0 or absolute(...). Try end=0.1."),
    (lambda: rh.cosine(end=NAN), "end=nan: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end=INF), "end=inf: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end="0.1"), "end='0.1': need a finite number ≥ 0 or absolute(...). Try end=0.1 without quotes."),
    (lambda: rh.cosine(end=None), "end=None: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end=True), "end=True: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end=1j), "end=1j: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine(end=[0.1]), "end=[0.1]: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.linear(start=-1), "start=-1: need a finite number ≥ 0 or absolute(...). Try start=1."),
    (lambda: rh.constant(-1e-3), "factor=-0.001: need a finite number ≥ 0 or absolute(...). Try factor=0.001."),
    (lambda: rh.absolute(-1e-6), "value=-1e-06: need a finite number ≥ 0. Try value=1e-06."),
    (lambda: rh.absolute(NAN), "value=nan: need a finite number ≥ 0."),
    (lambda: rh.polynomial(power=0), "power=0: need a finite number above 0 and ≤ 1000."),
    (lambda: rh.polynomial(power=-2), "power=-2: need a finite number above 0 and ≤ 1000. Try power=2."),
    (lambda: rh.polynomial(power=NAN), "power=nan: need a finite number above 0 and ≤ 1000."),
    # Warmup
    (lambda: rh.warmup("5%", start=2), "start=2: need a factor in [0, 1], or absolute(...). Try start=0.01."),
    (
        lambda: rh.warmup("5%", shape="sine"),
        "shape='sine': need one of 'linear', 'cosine', 'exponential'. Try shape='cosine'.",
    ),
    (
        lambda: rh.warmup("5%", shape="exponential"),
        "start=None: need a start above 0 for an exponential warmup. Try start=0.01.",
    ),
    (
        lambda: rh.warmup("5%", start=0, shape="exponential"),
        "start=0: need a start above 0 for an exponential warmup. Try start=0.01.",
    ),
    # Stairs
    (lambda: rh.step(every="1 epochs", factor=0), "factor=0: need a finite number above 0."),
    (lambda: rh.step(every="1 epochs", factor=-0.1), "factor=-0.1: need a finite number above 0. Try factor=0.1."),
    (lambda: rh.step(every="1 epochs", factor=NAN), "factor=nan: need a finite number above 0."),
    (lambda: rh.exponential(factor=0, every="1 epochs"), "factor=0: need a finite number above 0."),
    (lambda: rh.multistep(at=[], factor=0.1), "at=[]: need at least one place. Try at=['30 epochs', '60 epochs']."),
    (
        lambda: rh.multistep(at="30 epochs", factor=0.1),
        "at='30 epochs': need a list of places with units. Try at=['30 epochs', '60 epochs'].",
    ),
    (
        lambda: rh.multistep(at=[30, 60], factor=0.1),
        "at[0]=30: need a length with a unit. Try '30 steps' or '30 epochs'.",
    ),
    (
        lambda: rh.multistep(at=30, factor=0.1),
        "at=30: need a list of places with units. Try at=['30 epochs', '60 epochs'].",
    ),
    (lambda: rh.inverse_sqrt(4000), "timescale=4000: need a length with a unit. Try '4000 steps' or '4000 epochs'."),
    # Cycles
    (lambda: rh.cyclic(low=2, up="1 epochs"), "low=2: need a factor in [0, 1], or absolute(...). Try low=0.1."),
    (
        lambda: rh.cyclic(low=0.1, up="1 epochs", mode="saw"),
        "mode='saw': need one of 'triangular', 'triangular2', 'exp_range'.",
    ),
    (
        lambda: rh.cyclic(low=0.1, up="1 epochs", mode="exp_range"),
        (
            "mode='exp_range', factor=None, every=None: need factor and every with mode='exp_range', and neither "
            "otherwise. Try mode='exp_range', factor=0.9, every='1 epoch'."
        ),
    ),
    (
        lambda: rh.cyclic(low=0.1, up="1 epochs", factor=0.9, every="1 steps"),
        (
            "mode='triangular', factor=0.9, every='1 steps': need factor and every with mode='exp_range', and neither "
            "otherwise. Try mode='exp_range', factor=0.9, every='1 epoch'."
        ),
    ),
    (lambda: rh.cyclic(low=0.1, up="1 epochs", inverted=1), "inverted=1: need True or False."),
    (lambda: rh.cosine_restarts(period="1 epochs", growth=0.5), "growth=0.5: need a finite number ≥ 1 and ≤ 1000."),
    (lambda: rh.cosine_restarts(period="1 epochs", decay=0), "decay=0: need a finite number above 0 and ≤ 1."),
    (lambda: rh.cosine_restarts(period="1 epochs", decay=1.5), "decay=1.5: need a finite number above 0 and ≤ 1."),
    (
        lambda: rh.cosine_restarts(period="1 epochs", end=3),
        "end=3: need a factor in [0, 1], or absolute(...). Try end=0.1.",
    ),
    # Custom
    (lambda: rh.piecewise([]), "points=[]: need pairs of place and level. Try [('0 steps', 0.0), ('5 epochs', 1.0)]."),
    (
        lambda: rh.piecewise("abc"),
        "points='abc': need pairs of place and level. Try [('0 steps', 0.0), ('5 epochs', 1.0)].",
    ),
    (
        lambda: rh.piecewise([("5 epochs",)]),
        "points[0]=('5 epochs',): need a pair of place and level. Try ('5 epochs', 1.0).",
    ),
    (lambda: rh.piecewise([(5, 1.0)]), "points[0]=5: need a length with a unit. Try '5 steps' or '5 epochs'."),
    (
        lambda: rh.piecewise([("5 epochs", -1)]),
        "points[0]=-1: need a finite number ≥ 0 or absolute(...). Try points[0]=1.",
    ),
    (
        lambda: rh.piecewise([("5 epochs", 1)], shape="spline"),
        "shape='spline': need one of 'linear', 'constant', 'cosine'. Try shape='linear'.",
    ),
    (lambda: rh.from_function(3), "f=3: need a function of progress. Try from_function(lambda p: 1 - p)."),
    (
        lambda: rh.from_function(lambda p: p - 0.5).over(RUN),
        (
            "from_function(refused.makers.<lambda>.<locals>.<lambda>): need finite factors ≥ 0; at progress 0 it "
            "gives -0.5. Try np.maximum(formula, 0)."
        ),
    ),
    (
        lambda: rh.from_function(lambda p: 1.0).over(RUN),
        (
            "from_function(refused.makers.<lambda>.<locals>.<lambda>): need as many factors as positions, shape "
            "(1001,), not (). Try a vectorised formula, or np.vectorize(f)."
        ),
    ),
    (
        lambda: rh.from_function(lambda p: 1 / 0).over(RUN),
        (
            "from_function(refused.makers.<lambda>.<locals>.<lambda>): the function raised ZeroDivisionError: "
            "division by zero"
        ),
    ),
    # Plateau
    (lambda: rh.plateau(factor=1), "factor=1: need a number above 0 and below 1. Try factor=0.1."),
    (lambda: rh.plateau(factor=0), "factor=0: need a finite number above 0 and ≤ 1."),
    (lambda: rh.plateau(patience=-1), "patience=-1: need a whole number ≥ 0. Try patience=3."),
    (lambda: rh.plateau(patience=2.5), "patience=2.5: need a whole number ≥ 0. Try patience=3."),
    (lambda: rh.plateau(threshold=-1), "threshold=-1: need a finite number ≥ 0. Try threshold=1."),
    (lambda: rh.plateau(mode="best"), "mode='best': need one of 'min', 'max'."),
    (lambda: rh.plateau(cooldown=NAN), "cooldown=nan: need a whole number ≥ 0. Try cooldown=3."),
    (lambda: rh.plateau(floor=2), "floor=2: need a finite number ≥ 0 and ≤ 1."),
    (lambda: rh.plateau(relative="rel"), "relative='rel': need True or False."),
    # Named
    (lambda: rh.one_cycle(warmup=0.3), "warmup=0.3: need a length with a unit. Try '0.3 steps' or '0.3 epochs'."),
    (lambda: rh.one_cycle(start=25), "start=25: need a factor in [0, 1], or absolute(...). Try start=0.04."),
    (lambda: rh.one_cycle(shape="cos"), "shape='cos': need one of 'cosine', 'linear'. Try shape='cosine'."),
    (lambda: rh.one_cycle(three_phase=1), "three_phase=1: need True or False."),
    (
        lambda: rh.wsd(warmup=500, cooldown="20%"),
        "warmup=500: need a length with a unit. Try '500 steps' or '500 epochs'.",
    ),
    (
        lambda: rh.wsd(warmup="5%", cooldown=500),
        "cooldown=500: need a length with a unit. Try '500 steps' or '500 epochs'.",
    ),
    # Nearly right
    (lambda: rh.cosine(end="10%"), "end='10%': need a finite number ≥ 0 or absolute(...). Try end=0.1 without quotes."),
    (lambda: rh.cosine(end=1e10), "end=10000000000.0: need a finite number ≥ 0 and ≤ 1e9 or absolute(...)."),
    (
        lambda: rh.cosine(end=10**400),
        (
            "end=1000000000000000000000000000000000000000000000000000000000000000000000000000000…: need a finite "
            "number ≥ 0 and ≤ 1e9 or absolute(...)."
        ),
    ),
    (
        lambda: rh.warmup("5 iters"),
        "over='5 iters': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5 steps'.",
    ),
    (
        lambda: rh.warmup("5 images"),
        "over='5 images': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5 samples'.",
    ),
    (
        lambda: rh.warmup("5 STEPS"),
        "over='5 STEPS': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5 steps'.",
    ),
    (
        lambda: rh.warmup("5 m"),
        "over='5 m': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5 min'.",
    ),
    (
        lambda: rh.warmup("1/3 epochs"),
        "over='1/3 epochs': need a number ≥ 0 with a unit. Try a decimal, such as '0.333333 epochs'.",
    ),
    (lambda: rh.warmup("1e-300 epochs"), "over='1e-300 epochs': need 0, or a number ≥ 1e-15."),
    (
        lambda: rh.Span(Fraction(1, 3), "epochs"),
        "amount=Fraction(1, 3): need a number of at most 15 decimal digits. Try 0.333333.",
    ),
    (
        lambda: rh.Span(10**400, "steps"),
        (
            "amount=1000000000000000000000000000000000000000000000000000000000000000000000000000000…: need a finite "
            "number ≥ 0 and ≤ 1e15."
        ),
    ),
    (lambda: rh.Span(Decimal(1), "steps"), "amount=Decimal('1'): need a number ≥ 0."),
    (
        lambda: rh.warmup("5%", shape="cos"),
        "shape='cos': need one of 'linear', 'cosine', 'exponential'. Try shape='cosine'.",
    ),
    (lambda: rh.warmup(np.int64(5)), "over=5: need a length with a unit. Try '5 steps' or '5 epochs'."),
    (
        lambda: rh.cosine(end=Decimal("0.1")),
        "end=Decimal('0.1'): need a finite number ≥ 0 or absolute(...). Try end=0.1.",
    ),
    (lambda: rh.plateau(patience=10**10), "patience=10000000000: need a whole number ≥ 0 and ≤ 1e9. Try patience=3."),
]
