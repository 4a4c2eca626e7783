"""What is refused where a schedule meets a run, a text or a neighbour: one row for each thing that is said."""

import functools
from decimal import Decimal
from fractions import Fraction

import numpy as np

import rheostat as rh

NAN = float("nan")
RUN = rh.Run(epochs=10, steps_per_epoch=100)
CURVE = rh.cosine().over(RUN)

PLACES = [
    (
        lambda: rh.piecewise([("1 min", 1.0)]).over(RUN),
        (
            "piecewise(points[0])='1 min': need seconds_per_step in the Run, to convert min into updates. Try "
            "Run(..., seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.piecewise([("1 steps", 1.0), ("1 tokens", 0.5)]).over(RUN),
        (
            "piecewise(points[1])='1 tokens': need tokens_per_step in the Run, to convert tokens into updates. Try "
            "Run(..., tokens_per_step=...)."
        ),
    ),
    (
        lambda: rh.piecewise([("1 steps", rh.absolute(1.0))]).over(RUN),
        "piecewise(points[0])=absolute(1.0): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.piecewise([("1 steps", 1.0), ("1 epochs", 0.5), ("100 steps", 0.1), ("2 epochs", 0.0)]).over(RUN),
        (
            "points=['1 steps', '1 epochs', '100 steps', '2 epochs']: need places in rising order; 1 epochs and 100 "
            "steps are updates 100 and 100. Try the same points, sorted."
        ),
    ),
    (
        lambda: rh.multistep(at=["1 min"], factor=0.1).over(RUN),
        (
            "multistep(at[0])='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.multistep(at=["1 steps", "1 epochs", "100 steps", "2 epochs"], factor=0.1).over(RUN),
        (
            "at=['1 steps', '1 epochs', '100 steps', '2 epochs']: need places in rising order; 1 epochs and 100 steps "
            "are updates 100 and 100. Try the same places, sorted, each once."
        ),
    ),
    (
        lambda: rh.multistep(at=["1 steps", "2 steps", "2 steps"], factor=0.1).over(RUN),
        (
            "at=['1 steps', '2 steps', '2 steps']: need places in rising order; 2 steps and 2 steps are updates 2 and "
            "2. Try the same places, sorted, each once."
        ),
    ),
    (
        lambda: rh.piecewise([("1 steps", 1), ("2 steps", 1), ("2 steps", 1)]).over(RUN),
        (
            "points=['1 steps', '2 steps', '2 steps']: need places in rising order; 2 steps and 2 steps are updates 2 "
            "and 2. Try the same points, sorted."
        ),
    ),
    (
        lambda: rh.parse("linear() >> cosine() >> rex()"),
        (
            "linear() and cosine(): need a length for all but one part of a sequence. Try over='10 epochs'.\n"
            "  linear() >> cosine() >> rex()\n  ^ column 1"
        ),
    ),
    (
        lambda: rh.cyclic(low=rh.absolute(0.15), up="2 steps").over(RUN, base=0.1),
        "low=absolute(0.15): need at most the base value, 0.1. Try a smaller low.",
    ),
    (
        lambda: rh.warmup("2 steps", start=rh.absolute(0.15)).over(RUN, base=0.1),
        "start=absolute(0.15): need at most the base value, 0.1. Try a smaller start.",
    ),
    (
        lambda: rh.linear().over(RUN).at([1]),
        "t=[1]: need an update ≥ 0, or a length with a unit. Try 100 or '3 epochs'.",
    ),
    (
        lambda: rh.from_function(functools.partial(np.subtract, 0.5)).over(RUN),
        (
            "from_function(functools.partial): need finite factors ≥ 0; at progress 0.501 it gives -0.001. "
            "Try np.maximum(formula, 0)."
        ),
    ),
    (
        lambda: rh.from_function(functools.partial(np.add, -0.5)).over(RUN),
        (
            "from_function(functools.partial): need finite factors ≥ 0; at progress 0 it gives -0.5. "
            "Try np.maximum(formula, 0)."
        ),
    ),
    (lambda: rh.Span(1, "zzz"), "unit='zzz': need one of steps, epochs, samples, tokens, %, s, min, h."),
    (lambda: rh.Span.of("0 steps"), "span='0 steps': need a length above 0. Try '1 steps', or leave this part out."),
    (
        lambda: rh.multistep(at=["0.4 steps"], factor=0.1).over(RUN),
        "at[0]='0.4 steps': need at least one update before the first drop. Try '1 steps'.",
    ),
    (
        lambda: rh.multistep(at=["1 steps"] * 2, factor=1e9).over(RUN),
        "factor=1000000000.0: need a factor that stays below 1e+12 after 2 steps.",
    ),
    (
        lambda: rh.step(every="1 min", factor=0.1).over(RUN),
        (
            "step(every)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.exponential(every="1 min", factor=0.1).over(RUN),
        (
            "exponential(every)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.exponential(every="10 steps", factor=2.0).over(RUN),
        (
            "factor=2.0: need a factor that stays below 1e+12 over 1000 updates. Try a smaller factor, or a longer "
            "every=."
        ),
    ),
    (
        lambda: rh.inverse_sqrt("1 min").over(RUN),
        (
            "inverse_sqrt(timescale)='1 min': need seconds_per_step in the Run, to convert min into updates. Try "
            "Run(..., seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cyclic(low=0.1, up="1 min").over(RUN),
        (
            "cyclic(up)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cyclic(low=0.1, up="1 steps", down="1 min").over(RUN),
        (
            "cyclic(down)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cyclic(low=0.1, up="1 steps", mode="exp_range", factor=0.5, every="1 min").over(RUN),
        (
            "cyclic(every)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cyclic(low=rh.absolute(0.1), up="1 steps").over(RUN),
        "cyclic(low)=absolute(0.1): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cyclic(low=0.1, up="0.4 steps").over(RUN),
        "cyclic(up)='0.4 steps': need at least one update. Try '1 steps'.",
    ),
    (
        lambda: rh.cyclic(low=0.1, up="4 steps", down="0.4 steps").over(RUN),
        "cyclic(down)='0.4 steps': need at least one update. Try '1 steps'.",
    ),
    (
        lambda: rh.cosine_restarts(period="1 min").over(RUN),
        (
            "cosine_restarts(period)='1 min': need seconds_per_step in the Run, to convert min into updates. Try "
            "Run(..., seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cosine_restarts(period="0.4 steps").over(RUN),
        "cosine_restarts(period)='0.4 steps': need at least one update. Try '1 steps'.",
    ),
    (
        lambda: rh.cosine_restarts(period="5 steps", end=rh.absolute(1.0)).over(RUN),
        "cosine_restarts(end)=absolute(1.0): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine_restarts(period="5 steps", end=rh.absolute(1.0)).over(RUN, base=0.1),
        (
            "end=absolute(1.0): need a value that is not above the one it starts from, 0.1. Try a smaller end, or "
            "start=absolute(...) if it should rise."
        ),
    ),
    (
        lambda: rh.constant(rh.absolute(1.0)).over(RUN),
        "constant(factor)=absolute(1.0): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.warmup("5%", start=rh.absolute(1e-4)).over(RUN),
        "warmup(start)=absolute(0.0001): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.warmup("5%", start=rh.absolute(0.0), shape="exponential").over(RUN, base=0.1),
        "start=absolute(0.0): need a start above 0 for an exponential warmup. Try start=0.01.",
    ),
    (
        lambda: rh.linear(start=rh.absolute(1e-4)).over(RUN),
        "linear(start)=absolute(0.0001): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine().clip(min=rh.absolute(1e-4)).over(RUN),
        "clip(min)=absolute(0.0001): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine().clip(max=rh.absolute(1e-4)).over(RUN),
        "clip(max)=absolute(0.0001): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine().repeat(2).over(rh.Run()),
        "run=Run(): need a known length, for cosine().repeat(2) to divide. Try Run(steps=...).",
    ),
    (
        lambda: (rh.cosine(over="1 steps").repeat(2) >> rh.cosine(over="1 min") >> rh.linear()).over(RUN),
        (
            "cosine(over)='1 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.from_function(np.cos).over(rh.Run()),
        (
            "run=Run(): need a known length, for from_function(numpy.cos) to end. Try from_function(..., over='10000 "
            "steps'), or a Run with steps, epochs, samples, tokens or time."
        ),
    ),
    (
        lambda: (rh.warmup("5%") >> rh.cosine() * rh.linear(end=rh.absolute(2.0)).scale(2)).over(RUN, base=1.0),
        (
            "end=absolute(2.0): need a value that is not above the one it starts from, 1. Try a smaller end, or "
            "start=absolute(...) if it should rise.\n  in factor linear(end=absolute(2.0)).scale(2)\n  in parts[1] "
            "cosine() * linear(end=absolute(2.0)).scale(2)"
        ),
    ),
    (
        lambda: rh.warmup("5%").over(rh.Run(time="30 min")).at("3 epochs"),
        (
            "t='3 epochs': need steps_per_epoch in the Run, to convert epochs into seconds. Try Run(..., "
            "steps_per_epoch=...)."
        ),
    ),
    (
        lambda: functools.reduce(lambda s, _: s.scale(1), range(64), rh.cosine()),
        "schedules are nested 65 deep: need at most 64. Try a sequence with >> instead.",
    ),
    (
        lambda: rh.parse(" * ".join(["constant(1e9)"] * 40)).over(RUN),
        (
            "constant(1000000000.0) * constant(1000000000.0) * constant(1000000000.0) * cons…: need finite values ≥ "
            "0; update 0 uses inf. Try smaller factors."
        ),
    ),
    (
        lambda: rh.parse(" * ".join(["constant(1e9)"] * 40)).over(RUN, base=2.0, axis="epochs"),
        (
            "constant(1000000000.0) * constant(1000000000.0) * constant(1000000000.0) * cons…: need finite values ≥ "
            "0; epoch 0 uses inf. Try smaller factors."
        ),
    ),
    (lambda: rh.Curve("cosine()", RUN), "schedule='cosine()': need a schedule. Try rh.parse(text)."),
    (lambda: rh.cosine().over(RUN, base=-1.0), "base=-1.0: need a finite number ≥ 0. Try base=1."),
    (lambda: rh.cosine().over(RUN, base="0.1"), "base='0.1': need a finite number ≥ 0. Try base=0.1 without quotes."),
    (
        lambda: rh.constant().over(rh.Run()).values(),
        "stop=None: need a number, because the run's length is unknown. Try values(stop=1000).",
    ),
    (
        lambda: rh.constant().over(rh.Run()).diff(rh.step(every="5 steps", factor=0.5).over(rh.Run())),
        "run=Run(): need a known length of at least one of the two. Try Run(steps=...).",
    ),
    (
        lambda: rh.constant().over(rh.Run(steps=10**9 + 1)).diff(rh.linear().over(RUN)),
        "run=Run(steps=1000000001): need at most 1e+09 updates, to compare each of them.",
    ),
    (lambda: rh.constant().over(rh.Run()).values(0.5, 3), "start=0.5: need a whole number ≥ 0. Try start=0."),
    (
        lambda: rh.constant().over(rh.Run()).at("-1 steps"),
        "t='-1 steps': need a number ≥ 0 with a unit. Try '1 steps'.",
    ),
    (lambda: rh.constant().over(rh.Run()).at(10**16), "t=10000000000000000: need a finite number ≥ 0 and ≤ 1e15."),
    (lambda: rh.constant().over(rh.Run()).values(-1, 3), "start=-1: need a finite number ≥ 0 and ≤ 1e15. Try start=1."),
    (
        lambda: rh.constant().over(rh.Run()).sparkline(10_001),
        "width=10001: need a whole number ≥ 1 and ≤ 10000. Try width=3.",
    ),
    (lambda: rh.plateau().over(RUN).at(0, signals=[-1]), "signals[0]=-1: need a finite number ≥ 0. Try signals[0]=1."),
    (lambda: rh.plateau().over(RUN).at(0, signals=["x"]), "signals[0]='x': need a finite number ≥ 0."),
    (lambda: rh.plateau(factor=1), "factor=1: need a number above 0 and below 1. Try factor=0.1."),
    (lambda: rh.plateau(floor=2), "floor=2: need a finite number ≥ 0 and ≤ 1."),
    (lambda: rh.plateau(mode="MIN"), "mode='MIN': need one of 'min', 'max'. Try mode='min'."),
    (
        lambda: (rh.cosine().repeat(2) * rh.plateau()).repeat(2),
        ("repeat=cosine().repeat(2) * plateau(): need a schedule without plateau. Try cosine().repeat(3) * plateau()."),
    ),
    (lambda: rh.Run(epochs=1e10, steps_per_epoch=10**10), "epochs=10000000000.0: need at most 1e15 updates."),
    (lambda: rh.Run(samples=1e18, samples_per_step=1e-6), "samples=1e+18: need at most 1e15 updates."),
    (lambda: rh.Run(time="3 steps"), "time='3 steps': need a wall-clock length in s, min or h. Try time='30 min'."),
    (lambda: rh.Run(time=5.0), "time=5.0: need a wall-clock length with its unit. Try time='5.0 min' or '5.0 h'."),
    (
        lambda: rh.Run(steps=1, epochs=2, tokens=3),
        "Run(steps=1, epochs=2, tokens=3): need one horizon. Try only steps=, and the rates that convert.",
    ),
    (lambda: rh.Run(epochs=-1), "epochs=-1: need a finite number above 0. Try epochs=90."),
    (lambda: rh.Run(epochs=1e19), "epochs=1e+19: need a finite number above 0 and ≤ 1e18. Try epochs=90."),
    (lambda: rh.Span(1e-16, "steps"), "amount=1e-16: need 0, or a number ≥ 1e-15."),
    (
        lambda: rh.Span(1, "Epoch"),
        "unit='Epoch': need one of steps, epochs, samples, tokens, %, s, min, h. Try 'epochs'.",
    ),
    (lambda: rh.Span(-0.5, "steps"), "amount=-0.5: need a finite number ≥ 0."),
    (
        lambda: rh.Span(1, "iterations"),
        "unit='iterations': need one of steps, epochs, samples, tokens, %, s, min, h. Try 'steps'.",
    ),
    (
        lambda: rh.warmup("5 pct"),
        "over='5 pct': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '5%'.",
    ),
    (
        lambda: rh.warmup("10 m"),
        "over='10 m': need a unit among steps, epochs, samples, tokens, %, s, min, h. Try '10 min'.",
    ),
    (lambda: rh.warmup("5"), "over='5': need a number ≥ 0 with a unit. Try '5 steps' or '5 epochs'."),
    (lambda: rh.warmup("5.5"), "over='5.5': need a number ≥ 0 with a unit. Try '5.5 steps' or '5.5 epochs'."),
    (
        lambda: rh.warmup(""),
        (
            "over='': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', '1.5e9 "
            "tokens' or '30 min'."
        ),
    ),
    (
        lambda: rh.warmup("abc"),
        (
            "over='abc': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', '1.5e9 "
            "tokens' or '30 min'."
        ),
    ),
    (lambda: rh.warmup("-0.5e3 epochs"), "over='-0.5e3 epochs': need a number ≥ 0 with a unit. Try '0.5e3 epochs'."),
    (
        lambda: rh.warmup("2/3 EPOCHS"),
        "over='2/3 EPOCHS': need a number ≥ 0 with a unit. Try a decimal, such as '0.666667 EPOCHS'.",
    ),
    (
        lambda: rh.warmup("1__0 steps"),
        (
            "over='1__0 steps': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', "
            "'1.5e9 tokens' or '30 min'."
        ),
    ),
    (
        lambda: rh.warmup("-_5 steps"),
        (
            "over='-_5 steps': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', "
            "'1.5e9 tokens' or '30 min'."
        ),
    ),
    (lambda: rh.warmup("0%"), "over='0%': need a length above 0. Try '1%', or leave this part out."),
    (
        lambda: rh.warmup("0.0 epochs"),
        "over='0 epochs': need a length above 0. Try '1 epochs', or leave this part out.",
    ),
    (
        lambda: rh.warmup("1" * 70 + " steps"),
        (
            "over='1111111111111111111111111111111111111111111111111111111111111111111111 steps': need a number ≥ 0 "
            "with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', '1.5e9 tokens' or '30 min'."
        ),
    ),
    (
        lambda: rh.warmup("5 %%"),
        (
            "over='5 %%': need a number ≥ 0 with a unit. Try '500 steps', '3 epochs', '20%', '2e6 samples', '1.5e9 "
            "tokens' or '30 min'."
        ),
    ),
    (lambda: rh.warmup("5 x"), "over='5 x': need a unit among steps, epochs, samples, tokens, %, s, min, h."),
    (
        lambda: rh.constant("0.5"),
        "factor='0.5': need a finite number ≥ 0 or absolute(...). Try factor=0.5 without quotes.",
    ),
    (
        lambda: rh.constant("50%"),
        "factor='50%': need a finite number ≥ 0 or absolute(...). Try factor=0.5 without quotes.",
    ),
    (
        lambda: rh.constant(" 0.5 "),
        "factor=' 0.5 ': need a finite number ≥ 0 or absolute(...). Try factor=0.5 without quotes.",
    ),
    (lambda: rh.constant("0"), "factor='0': need a finite number ≥ 0 or absolute(...). Try factor=0 without quotes."),
    (
        lambda: rh.constant("1000000000"),
        "factor='1000000000': need a finite number ≥ 0 or absolute(...). Try factor=1e+09 without quotes.",
    ),
    (lambda: rh.constant("-1"), "factor='-1': need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.constant(2e9), "factor=2000000000.0: need a finite number ≥ 0 and ≤ 1e9 or absolute(...)."),
    (
        lambda: rh.constant(Decimal("0.5")),
        "factor=Decimal('0.5'): need a finite number ≥ 0 or absolute(...). Try factor=0.5.",
    ),
    (lambda: rh.constant(Decimal(-1)), "factor=Decimal('-1'): need a finite number ≥ 0 or absolute(...)."),
    (
        lambda: rh.constant(np.array(0.5)),
        "factor=array(0.5): need a finite number ≥ 0 or absolute(...). Try factor=0.5.",
    ),
    (lambda: rh.constant(-2e9), "factor=-2000000000.0: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.exponential(factor=0, every="1 steps"), "factor=0: need a finite number above 0."),
    (
        lambda: rh.exponential(factor=-0.5, every="1 steps"),
        "factor=-0.5: need a finite number above 0. Try factor=0.5.",
    ),
    (
        lambda: rh.exponential(factor=Fraction(1, 10**400), every="1 steps"),
        (
            "factor=Fraction(1, 1000000000000000000000000000000000000000000000000000000000000000000…: need a finite "
            "number above 0."
        ),
    ),
    (lambda: rh.cosine_restarts(period="1 steps", growth=0.5), "growth=0.5: need a finite number ≥ 1 and ≤ 1000."),
    (lambda: rh.cosine_restarts(period="1 steps", growth=1001), "growth=1001: need a finite number ≥ 1 and ≤ 1000."),
    (lambda: rh.cosine_restarts(period="1 steps", decay=0), "decay=0: need a finite number above 0 and ≤ 1."),
    (
        lambda: rh.cosine_restarts(period="1 steps", end=1.5),
        "end=1.5: need a factor in [0, 1], or absolute(...). Try end=0.1.",
    ),
    (lambda: rh.cosine().clip(min=1, max=0), "min=1: need at most max=0. Try .clip(min=0, max=1)."),
    (lambda: rh.cosine().clip(max=-1), "max=-1: need a finite number ≥ 0 or absolute(...). Try max=1."),
    (lambda: rh.cosine().repeat(10**7), "n=10000000: need a whole number ≥ 1 and ≤ 1e6. Try n=3."),
    (
        lambda: rh.cosine() >> rh.cosine().scale(2) >> rh.linear(),
        "cosine() and cosine().scale(2): need a length for all but one part of a sequence. Try over='10 epochs'.",
    ),
    (lambda: rh.cosine() * None, "* None: need a schedule on both sides of *. Try a maker, such as cosine()."),
    (lambda: rh.cosine() >> None, ">> None: need a schedule on both sides of >>. Try a maker, such as cosine()."),
    (
        lambda: rh.cosine() * "linear()",
        "* 'linear()': need a schedule on both sides of *. Try rh.parse(...) on the text.",
    ),
    (
        lambda: "linear()" >> rh.cosine(),
        ">> 'linear()': need a schedule on both sides of >>. Try rh.parse(...) on the text.",
    ),
    (
        lambda: rh.cosine() >> True,
        ">> True: need a schedule on both sides of >>. Try constant(True, over='10 epochs').",
    ),
    (
        lambda: rh.wsd(warmup="60%", cooldown="60%").over(RUN),
        (
            "warmup('60%') >> constant() >> one_minus_sqrt(over='60%'): need room for constant(); the other parts "
            "take 1200 of 1000 updates. Try shorter parts, or a longer run."
        ),
    ),
    (lambda: rh.cosine().over("90 epochs"), "run='90 epochs': need a Run. Try rh.Run(steps=1000)."),
    (lambda: rh.one_cycle(start=2), "start=2: need a factor in [0, 1], or absolute(...). Try start=0.04."),
    (lambda: rh.one_cycle(end=rh.cosine()), "end=cosine(): need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.one_cycle_momentum(low=1.5), "low=1.5: need a factor in [0, 1], or absolute(...). Try low=0.04."),
    (
        lambda: rh.trapezoid(warmup="0 steps", cooldown="5%"),
        "warmup='0 steps': need a length above 0. Try '1 steps', or leave this part out.",
    ),
    (
        lambda: rh.parse("x" * 60_001),
        (
            "the text has 60001 characters: need at most 60000.\n  "
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n                                "
            "                                         ^ column 60001"
        ),
    ),
    (lambda: rh.parse("cosine(end=foo)"), "unknown name 'foo'.\n  cosine(end=foo)\n             ^ column 12"),
    (
        lambda: rh.parse("cosine(end=Cosine)"),
        "unknown name 'Cosine'. Try 'cosine()'.\n  cosine(end=Cosine)\n             ^ column 12",
    ),
    (
        lambda: rh.parse("cosine(end=cosine)"),
        "'cosine' is not called. Try 'cosine()'.\n  cosine(end=cosine)\n             ^ column 12",
    ),
    (lambda: rh.parse("bar"), "unknown name 'bar'.\n  bar\n  ^ column 1"),
    (
        lambda: rh.parse("qqqq(1)"),
        (
            "unknown schedule 'qqqq'. Try one of absolute, constant, cosine, cosine_restarts, cyclic, exponential, "
            "from_function, inverse_sqrt, linear, multistep, one_cycle, one_cycle_momentum, one_minus_sqrt, "
            "piecewise, plateau, polynomial, rex, step, trapezoid, warmup, wsd.\n  qqqq(1)\n  ^ column 1"
        ),
    ),
    (
        lambda: rh.parse("from_function(1)"),
        (
            "from_function takes code, which text cannot name. Try building it in Python.\n  from_function(1)\n  ^ "
            "column 1"
        ),
    ),
    (lambda: rh.parse("cosine(*[1])"), "arguments cannot be unpacked with * or **.\n  cosine(*[1])\n  ^ column 1"),
    (
        lambda: rh.parse("cosine(**{'a': 1})"),
        "arguments cannot be unpacked with * or **.\n  cosine(**{'a': 1})\n  ^ column 1",
    ),
    (
        lambda: rh.parse("cosine(end=1, end=2)"),
        "the argument end is given twice.\n  cosine(end=1, end=2)\n                ^ column 15",
    ),
    (
        lambda: rh.parse("cosine(zzz=1)"),
        "unknown argument 'zzz'. Try one of end, start, over.\n  cosine(zzz=1)\n         ^ column 8",
    ),
    (
        lambda: rh.parse("cosine(end=10000000000000000000000000000000)"),
        (
            "a number with more than 30 digits.\n  cosine(end=10000000000000000000000000000000)\n             ^ column "
            "12"
        ),
    ),
    (
        lambda: rh.parse("cosine(end=True/2)"),
        "only a number can be divided by a number, and not by 0.\n  cosine(end=True/2)\n             ^ column 12",
    ),
    (
        lambda: rh.parse("cosine(end='1'/2)"),
        "only a number can be divided by a number, and not by 0.\n  cosine(end='1'/2)\n             ^ column 12",
    ),
    (
        lambda: rh.parse("cosine(end=1/0.0)"),
        "only a number can be divided by a number, and not by 0.\n  cosine(end=1/0.0)\n             ^ column 12",
    ),
    (
        lambda: rh.parse("cosine(end={1})"),
        (
            "only calls of schedules, numbers, quoted lengths and lists can stand here.\n  cosine(end={1})\n            "
            " ^ column 12"
        ),
    ),
    (
        lambda: rh.parse("cosine(end=-'1')"),
        (
            "only calls of schedules, numbers, quoted lengths and lists can stand here.\n  cosine(end=-'1')\n           "
            "  ^ column 12"
        ),
    ),
    (
        lambda: rh.parse("cosine(end=-True)"),
        (
            "only calls of schedules, numbers, quoted lengths and lists can stand here.\n  cosine(end=-True)\n          "
            "   ^ column 12"
        ),
    ),
    (lambda: rh.parse("[cosine()]"), "need a schedule, not [cosine()]. Try 'constant()'.\n  [cosine()]\n  ^ column 1"),
    (lambda: rh.parse("cosine()()"), "only a schedule's name can be called.\n  cosine()()\n  ^ column 1"),
    (
        lambda: rh.parse("(1).scale(2)"),
        "unknown method 'scale'. Try one of clip, scale, repeat, rebase, on a schedule.\n  (1).scale(2)\n      ^ column 5",
    ),
    (
        lambda: rh.parse("cosine() * True"),
        "* needs a schedule on both sides, not True. Try .scale(True).\n  cosine() * True\n             ^ column 12",
    ),
    (
        lambda: rh.parse("cosine() >> 'linear()'"),
        (
            ">> needs a schedule on both sides, not 'linear()'. Try cosine().\n  cosine() >> 'linear()'\n              "
            "^ column 13"
        ),
    ),
    (
        lambda: rh.parse("cosine() * 'linear()'"),
        (
            "* needs a schedule on both sides, not 'linear()'. Try cosine().\n  cosine() * 'linear()'\n             ^ "
            "column 12"
        ),
    ),
    (
        lambda: rh.parse("cosine() / 2"),
        "only calls of schedules, numbers, quoted lengths and lists can stand here.\n  cosine() / 2\n  ^ column 1",
    ),
    (lambda: rh.parse("cosine() - 2"), "only >> and * combine schedules.\n  cosine() - 2\n  ^ column 1"),
    (
        lambda: rh.parse("cosine() # x"),
        "not a schedule: a comment cannot stand here.\n  cosine() # x\n           ^ column 10",
    ),
    (
        lambda: rh.parse("cosine(); cosine()"),
        "not a schedule: a semicolon cannot stand here.\n  cosine(); cosine()\n          ^ column 9",
    ),
    (
        lambda: rh.parse("cosine()\\"),
        "not a schedule: a backslash cannot stand here.\n  cosine()\\\n          ^ column 9",
    ),
    (
        lambda: rh.parse("cosine()\0"),
        "not a schedule: a null character cannot stand here.\n  cosine() \n          ^ column 9",
    ),
    (lambda: rh.parse("\ud800"), "not a schedule: not a text that can be encoded.\n   \n  ^ column 1"),
    (
        lambda: rh.parse("[" * 101 + "]" * 101),
        (
            "need a schedule, not [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[…. "
            "Try 'constant()'.\n  [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n  ^ column 1"
        ),
    ),
    (
        lambda: rh.parse("cosine(end=1,\n   start=-1)"),
        (
            "start=-1: need a finite number ≥ 0 or absolute(...). Try start=1.\n  cosine(end=1,    start=-1)\n          "
            "               ^ column 24"
        ),
    ),
    (
        lambda: rh.parse("  cosine(end=1,\t start=-1)"),
        (
            "start=-1: need a finite number ≥ 0 or absolute(...). Try start=1.\n    cosine(end=1,  start=-1)\n          "
            "               ^ column 24"
        ),
    ),
    (
        lambda: rh.parse("warmup('5%') >> warmup('5%') >> cosine() >> linear()"),
        (
            "cosine() and linear(): need a length for all but one part of a sequence. Try over='10 epochs'.\n  "
            "warmup('5%') >> warmup('5%') >> cosine() >> linear()\n  ^ column 1"
        ),
    ),
    (
        lambda: rh.parse("cosine() * linear().repeat(0)"),
        (
            "n=0: need a whole number ≥ 1. Try n=3.\n  cosine() * linear().repeat(0)\n                             ^ "
            "column 28"
        ),
    ),
    (
        lambda: rh.parse("cosine(1, 2)"),
        "cosine() takes 0 unnamed arguments but 2 were given.\n  cosine(1, 2)\n  ^ column 1",
    ),
    (
        lambda: rh.parse("constant(1, 2)"),
        "constant() takes from 0 to 1 unnamed arguments but 2 were given.\n  constant(1, 2)\n  ^ column 1",
    ),
    (
        lambda: rh.parse("step()"),
        "step() missing 2 required named arguments: 'every' and 'factor'.\n  step()\n  ^ column 1",
    ),
    (lambda: rh.parse("warmup()"), "warmup() missing 1 required argument: 'over'.\n  warmup()\n  ^ column 1"),
    (
        lambda: rh.lint("cosine()", RUN, NAN),
        "base=nan: need a finite number ≥ 0.",
    ),
    (lambda: rh.lint("cosine()", RUN, "0.1"), "base='0.1': need a finite number ≥ 0. Try base=0.1 without quotes."),
    (lambda: rh.Run(time="30"), "time='30': need a wall-clock length with its unit. Try time='30 min' or '30 h'."),
    (lambda: CURVE.plot(3), "ax=3: need Matplotlib axes. Try plt.subplots()[1]."),
    (
        lambda: CURVE.factors(np.array([-1.0])),
        "t=array([-1.]): need a float64 array of positions ≥ 0. Try np.arange(100.0), or at(...).",
    ),
    (
        lambda: CURVE.factors(np.array([0.0, NAN])),
        "t=array([ 0., nan]): need a float64 array of positions ≥ 0. Try np.arange(100.0), or at(...).",
    ),
    (lambda: CURVE.factors(3), "t=3: need a float64 array of positions ≥ 0. Try np.arange(100.0), or at(...)."),
    (
        lambda: CURVE.factors(np.array([1j])),
        "t=array([0.+1.j]): need a float64 array of positions ≥ 0. Try np.arange(100.0), or at(...).",
    ),
    (lambda: rh.Ledger(3), "path=3: need a path, as text or a Path. Try 'ledger.jsonl'."),
    (lambda: rh.Ledger(""), "path='': need a path, as text or a Path. Try 'ledger.jsonl'."),
    (lambda: rh.Ledger("no/ledger.jsonl", resume="yes"), "resume='yes': need True or False."),
    (lambda: rh.Ledger.read(None), "path=None: need a path, as text or a Path. Try 'runs/digits-1/ledger.jsonl'."),
    (lambda: rh.Ledger.columns([]), "path=[]: need a path, as text or a Path. Try 'runs/digits-1/ledger.jsonl'."),
    (lambda: rh.parse(None), "text=None: need a schedule as text. Try \"warmup('5%') >> cosine(end=0.1)\"."),
]
