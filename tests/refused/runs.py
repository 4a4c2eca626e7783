"""What is refused where schedules are combined, put over runs, read and parsed."""

import rheostat as rh

NAN, INF = float("nan"), float("inf")
RUN = rh.Run(epochs=10, steps_per_epoch=100)

RUNS = [
    # Algebra
    (lambda: rh.cosine() * 0.5, "* 0.5: need a schedule on both sides of *. Try .scale(0.5)."),
    (lambda: 0.5 * rh.cosine(), "* 0.5: need a schedule on both sides of *. Try .scale(0.5)."),
    (lambda: rh.cosine() >> 3, ">> 3: need a schedule on both sides of >>. Try constant(3, over='10 epochs')."),
    (
        lambda: rh.cosine() >> rh.linear(),
        "cosine() and linear(): need a length for all but one part of a sequence. Try over='10 epochs'.",
    ),
    (lambda: rh.cosine().clip(), "clip(): need min, max or both. Try .clip(min=0.01)."),
    (lambda: rh.cosine().clip(min=0.5, max=0.1), "min=0.5: need at most max=0.1. Try .clip(min=0.1, max=0.5)."),
    (lambda: rh.cosine().clip(min=NAN), "min=nan: need a finite number ≥ 0 or absolute(...)."),
    (lambda: rh.cosine().scale(-1), "k=-1: need a finite number ≥ 0. Try k=1."),
    (lambda: rh.cosine().scale(INF), "k=inf: need a finite number ≥ 0."),
    (lambda: rh.cosine().repeat(0), "n=0: need a whole number ≥ 1. Try n=3."),
    (lambda: rh.cosine().repeat(1.5), "n=1.5: need a whole number ≥ 1. Try n=3."),
    (
        lambda: rh.plateau().repeat(2),
        "repeat=plateau(): need a schedule without plateau. Try cosine().repeat(3) * plateau().",
    ),
    (lambda: rh.cosine().rebase("2", 0.1), "at='2': need a number ≥ 0 with a unit. Try '2 steps' or '2 epochs'."),
    (lambda: rh.cosine().rebase("2 steps", -1), "factor=-1: need a finite number ≥ 0. Try factor=1."),
    (
        lambda: rh.cosine().rebase("1 min", 1).over(RUN),
        (
            "rebase(at)='1 min': need seconds_per_step in the Run, to convert min into updates. Try "
            "Run(..., seconds_per_step=...)."
        ),
    ),
    # Run
    (lambda: rh.Run(steps=0), "steps=0: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(steps=-5), "steps=-5: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(steps=2.5), "steps=2.5: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(steps=NAN), "steps=nan: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(steps="1000"), "steps='1000': need a whole number ≥ 1, without a unit. Try steps=1000."),
    (lambda: rh.Run(steps=True), "steps=True: need a whole number ≥ 1. Try steps=1000."),
    (lambda: rh.Run(epochs=INF), "epochs=inf: need a finite number above 0. Try epochs=90."),
    (lambda: rh.Run(epochs="90"), "epochs='90': need a number above 0, without a unit. Try epochs=90."),
    (
        lambda: rh.Run(steps=10, epochs=3),
        "Run(steps=10, epochs=3): need one horizon. Try only steps=, and the rates that convert.",
    ),
    (
        lambda: rh.Run(samples=1e6),
        "samples_per_step=None: need what one update consumes, because samples is given. Try samples_per_step=256.",
    ),
    (
        lambda: rh.Run(tokens=1e9),
        "tokens_per_step=None: need what one update consumes, because tokens is given. Try tokens_per_step=256.",
    ),
    (lambda: rh.Run(time=30), "time=30: need a wall-clock length with its unit. Try time='30 min' or '30 h'."),
    (lambda: rh.Run(time="30 epochs"), "time='30 epochs': need a wall-clock length in s, min or h. Try time='30 min'."),
    (
        lambda: rh.Run(time="30 min", seconds_per_step=0),
        "seconds_per_step=0: need a finite number above 0. Try seconds_per_step=90.",
    ),
    (lambda: rh.Run(epochs=0.001, steps_per_epoch=10), "epochs=0.001: need at least one update. Try a longer run."),
    # A schedule over a run
    (lambda: rh.cosine().over(1000), "run=1000: need a Run. Try rh.Run(steps=1000)."),
    (
        lambda: rh.cosine().over(rh.Run()),
        (
            "run=Run(): need a known length, for cosine() to end. Try cosine(..., over='10000 steps'), or a Run with "
            "steps, epochs, samples, tokens or time."
        ),
    ),
    (
        lambda: rh.cosine(over="5 epochs").over(rh.Run(steps=100)),
        (
            "cosine(over)='5 epochs': need steps_per_epoch in the Run, to convert epochs into updates. Try Run(..., "
            "steps_per_epoch=...)."
        ),
    ),
    (
        lambda: rh.cosine(over="5e6 tokens").over(RUN),
        (
            "cosine(over)='5e6 tokens': need tokens_per_step in the Run, to convert tokens into updates. Try Run(..., "
            "tokens_per_step=...)."
        ),
    ),
    (
        lambda: rh.cosine(over="5 min").over(RUN),
        (
            "cosine(over)='5 min': need seconds_per_step in the Run, to convert min into updates. Try Run(..., "
            "seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.warmup("5%").over(rh.Run()),
        "warmup(over)='5%': need a run of known length. Try Run(steps=...) or an absolute length.",
    ),
    (
        lambda: rh.cosine().over(rh.Run(epochs=90)),
        (
            "steps_per_epoch=None: need the number of updates in an epoch, because the run's length is given in "
            "epochs. Try Run(epochs=..., steps_per_epoch=len(loader)), or clock='epochs' to step once an epoch."
        ),
    ),
    (
        lambda: (rh.warmup("20 epochs") >> rh.cosine()).over(RUN),
        (
            "warmup('20 epochs') >> cosine(): need room for cosine(); the other parts take 2000 of 1000 updates. Try "
            "shorter parts, or a longer run."
        ),
    ),
    (
        lambda: (rh.constant() >> rh.cosine(over="5 epochs")).over(rh.Run(steps_per_epoch=100)),
        (
            "run=Run(steps_per_epoch=100): need a known length, for what follows constant() to begin. Try over=... on "
            "constant(), or a Run with a length."
        ),
    ),
    (
        lambda: rh.multistep(at=["60 epochs", "30 epochs"], factor=0.1).over(RUN),
        (
            "at=['60 epochs', '30 epochs']: need places in rising order; 60 epochs and 30 epochs are updates 6000 and "
            "3000. Try the same places, sorted, each once."
        ),
    ),
    (
        lambda: rh.multistep(at=["1 epochs", "100 steps"], factor=0.1).over(RUN),
        (
            "at=['1 epochs', '100 steps']: need places in rising order; 1 epochs and 100 steps are updates 100 and "
            "100. Try the same places, sorted, each once."
        ),
    ),
    (
        lambda: rh.piecewise([("2 epochs", 1), ("1 epochs", 0)]).over(RUN),
        (
            "points=['2 epochs', '1 epochs']: need places in rising order; 2 epochs and 1 epochs are updates 200 and "
            "100. Try the same points, sorted."
        ),
    ),
    (
        lambda: rh.step(every="0.001 epochs", factor=0.1).over(RUN),
        "step(every)='0.001 epochs': need at least one update. Try '1 steps'.",
    ),
    (
        lambda: rh.step(every="1 steps", factor=2).over(RUN),
        ("factor=2: need a factor that stays below 1e+12 over 1000 updates. Try a smaller factor, or a longer every=."),
    ),
    (
        lambda: rh.exponential(factor=1.1, every="1 steps").over(rh.Run()),
        "factor=1.1: need at most 1 where the run has no end. Try over='1000 steps'.",
    ),
    (
        lambda: rh.cosine().repeat(2000).over(RUN),
        (
            "cosine().repeat(2000): need at least one update for each of 2000; there are 1000 updates. Try fewer, or "
            "a longer run."
        ),
    ),
    # Base values and absolute levels
    (
        lambda: rh.cosine(end=rh.absolute(1e-6)).over(RUN),
        "cosine(end)=absolute(1e-06): need a base value to compare with. Try schedule.over(run, base=3e-4).",
    ),
    (
        lambda: rh.cosine(end=rh.absolute(1e-2)).over(RUN, base=1e-3),
        (
            "end=absolute(0.01): need a value that is not above the one it starts from, 0.001. Try a smaller end, or "
            "start=absolute(...) if it should rise."
        ),
    ),
    (
        lambda: rh.cosine(end=rh.absolute(1e-2)).over(RUN, base=0.0),
        "cosine(end)=absolute(0.01): need a base value above 0; this group's is 0. Try a factor as cosine(end).",
    ),
    (
        lambda: rh.warmup("5%", start=rh.absolute(1)).over(RUN, base=0.1),
        "start=absolute(1): need at most the base value, 0.1. Try a smaller start.",
    ),
    (
        lambda: rh.cyclic(low=rh.absolute(1), up="1 epochs").over(RUN, base=0.1),
        "low=absolute(1): need at most the base value, 0.1. Try a smaller low.",
    ),
    (
        lambda: rh.cosine().clip(min=rh.absolute(1), max=0.5).over(RUN, base=0.1),
        "min=absolute(1): need at most max=0.5. Try the two the other way round.",
    ),
    (lambda: rh.cosine().over(RUN, base=NAN), "base=nan: need a finite number ≥ 0."),
    (lambda: rh.cosine().over(RUN, base=-1), "base=-1: need a finite number ≥ 0. Try base=1."),
    # Curves
    (lambda: rh.cosine().over(RUN).at(-1), "t=-1: need a finite number ≥ 0 and ≤ 1e15. Try t=1."),
    (lambda: rh.cosine().over(RUN).at(NAN), "t=nan: need a finite number ≥ 0 and ≤ 1e15."),
    (lambda: rh.cosine().over(RUN).at("3"), "t='3': need a number ≥ 0 with a unit. Try '3 steps' or '3 epochs'."),
    (
        lambda: rh.cosine().over(RUN).values(10, 5),
        "stop=5: need at least start=10, and at most 1000000000 values in one call.",
    ),
    (
        lambda: rh.cosine().over(RUN).values(0, 10**12),
        "stop=1000000000000: need at least start=0, and at most 1000000000 values in one call.",
    ),
    (
        lambda: rh.constant().over(rh.Run()).values(),
        "stop=None: need a number, because the run's length is unknown. Try values(stop=1000).",
    ),
    (lambda: rh.cosine().over(RUN).diff(3), "other=3: need a curve. Try schedule.over(run)."),
    # Text
    (lambda: rh.parse(3), "text=3: need a schedule as text. Try \"warmup('5%') >> cosine(end=0.1)\"."),
    (lambda: rh.parse(""), "the text is empty: need a schedule. Try 'cosine(end=0.1)'.\n  \n  ^ column 1"),
    (lambda: rh.parse("cosine"), "'cosine' is not called. Try 'cosine()'.\n  cosine\n  ^ column 1"),
    (lambda: rh.parse("cosin()"), "unknown schedule 'cosin'. Try 'cosine(...)'.\n  cosin()\n  ^ column 1"),
    (lambda: rh.parse("0.5"), "need a schedule, not 0.5. Try 'constant()'.\n  0.5\n  ^ column 1"),
    (lambda: rh.parse("cosine() + linear()"), "only >> and * combine schedules.\n  cosine() + linear()\n  ^ column 1"),
    (
        lambda: rh.parse("cosine(end=0.1, end=0.2)"),
        "the argument end is given twice.\n  cosine(end=0.1, end=0.2)\n                  ^ column 17",
    ),
    (
        lambda: rh.parse("cosine(0.1)"),
        "cosine() takes 0 unnamed arguments but 1 was given.\n  cosine(0.1)\n  ^ column 1",
    ),
    (
        lambda: rh.parse("cosine(foo=1)"),
        "unknown argument 'foo'. Try one of end, start, over.\n  cosine(foo=1)\n         ^ column 8",
    ),
    (
        lambda: rh.parse("step(every='1 epochs')"),
        "step() missing 1 required named argument: 'factor'.\n  step(every='1 epochs')\n  ^ column 1",
    ),
    (lambda: rh.parse("warmup(5%)"), "not a schedule: invalid syntax.\n  warmup(5%)\n           ^ column 10"),
    (
        lambda: rh.parse("from_function(print)"),
        (
            "from_function takes code, which text cannot name. Try building it in Python.\n  from_function(print)\n  ^ "
            "column 1"
        ),
    ),
    (
        lambda: rh.parse("cosine().bind(3)"),
        (
            "unknown method 'bind'. Try one of clip, scale, repeat, rebase, on a schedule.\n  cosine().bind(3)\n           ^ "
            "column 10"
        ),
    ),
    (
        lambda: rh.parse("constant(1/0)"),
        "only a number can be divided by a number, and not by 0.\n  constant(1/0)\n           ^ column 10",
    ),
    # Nearly right
    (
        lambda: "cosine()" >> rh.cosine(),
        ">> 'cosine()': need a schedule on both sides of >>. Try rh.parse(...) on the text.",
    ),
    (
        lambda: rh.cosine() >> "linear()",
        ">> 'linear()': need a schedule on both sides of >>. Try rh.parse(...) on the text.",
    ),
    (lambda: 3 >> rh.cosine(), ">> 3: need a schedule on both sides of >>. Try constant(3, over='10 epochs')."),
    (lambda: rh.cosine() * None, "* None: need a schedule on both sides of *. Try a maker, such as cosine()."),
    (
        lambda: rh.wsd(warmup="10%", cooldown="20%").over(rh.Run(steps=2)),
        (
            "warmup('10%') >> constant() >> one_minus_sqrt(over='20%'): need at least one update for each of 3 parts; "
            "there are 2 updates for them. Try fewer parts, or a longer run."
        ),
    ),
    (
        lambda: rh.wsd(warmup="10%", cooldown="20%").over(rh.Run(steps=1)),
        (
            "warmup('10%') >> constant() >> one_minus_sqrt(over='20%'): need room for constant(); the other parts "
            "take 0.3 of 1 updates. Try shorter parts, or a longer run."
        ),
    ),
    (lambda: rh.cosine().over(None), "run=None: need a Run. Try rh.Run(steps=1000)."),
    (
        lambda: rh.cosine().over(RUN, axis="update"),
        "axis='update': need one of 'updates', 'epochs', 'seconds'. Try axis='updates'.",
    ),
    (lambda: rh.cosine().over(RUN, axis=""), "axis='': need one of 'updates', 'epochs', 'seconds'."),
    (
        lambda: rh.cosine().over(RUN, axis="seconds"),
        (
            "run=Run(epochs=10, steps_per_epoch=100): need seconds_per_step, to count a run of 1000 updates in "
            "seconds. Try Run(..., seconds_per_step=...)."
        ),
    ),
    (
        lambda: rh.cosine().over(rh.Run(steps=9), axis="epochs"),
        (
            "run=Run(steps=9): need steps_per_epoch, to count a run of 9 updates in epochs. Try Run(..., "
            "steps_per_epoch=...)."
        ),
    ),
    (lambda: rh.cosine().over(RUN, base="0.1"), "base='0.1': need a finite number ≥ 0. Try base=0.1 without quotes."),
    (
        lambda: rh.multistep(at=["0.001 epochs"], factor=0.1).over(RUN),
        "at[0]='0.001 epochs': need at least one update before the first drop. Try '1 steps'.",
    ),
    (
        lambda: rh.cosine_restarts(period="1 steps", growth=1.0001).over(rh.Run(steps=10**9)),
        (
            "growth=1.0001: need fewer than 100000 cycles in 1e+09 updates. Try growth=1, a larger growth or a longer "
            "period."
        ),
    ),
    (lambda: rh.Run(samples=1e18, samples_per_step=1), "samples=1e+18: need at most 1e15 updates."),
    (lambda: rh.Run(steps=10**16), "steps=10000000000000000: need a whole number ≥ 1 and ≤ 1e15. Try steps=1000."),
    (
        lambda: rh.Run(epochs=10**400),
        (
            "epochs=1000000000000000000000000000000000000000000000000000000000000000000000000000000…: need a finite "
            "number above 0 and ≤ 1e18. Try epochs=90."
        ),
    ),
    (lambda: rh.Run(time="0 min"), "time='0 min': need a length above 0. Try '1 min', or leave this part out."),
    (
        lambda: rh.cosine().over(RUN).at(None),
        "t=None: need an update ≥ 0, or a length with a unit. Try 100 or '3 epochs'.",
    ),
    (lambda: rh.cosine().over(RUN).at(True), "t=True: need a finite number ≥ 0 and ≤ 1e15."),
    (lambda: rh.cosine().over(RUN).at("-1 steps"), "t='-1 steps': need a number ≥ 0 with a unit. Try '1 steps'."),
    (lambda: rh.cosine().over(RUN).values(1.5), "start=1.5: need a whole number ≥ 0. Try start=1."),
    (
        lambda: rh.cosine().over(RUN).values(0, "9"),
        "stop='9': need a finite number ≥ 0 and ≤ 1e15. Try stop=9 without quotes.",
    ),
    (
        lambda: rh.cosine().over(RUN).at(3, signals=[1.0]),
        "signals=[1.0]: need one factor for each metric-driven part: 0.",
    ),
    (lambda: rh.plateau().over(RUN).at(3, signals=[NAN]), "signals[0]=nan: need a finite number ≥ 0."),
    (lambda: rh.cosine().over(RUN).sparkline(0), "width=0: need a whole number ≥ 1. Try width=3."),
    (
        lambda: rh.cosine().over(RUN).diff(rh.cosine().over(rh.Run(time="1 h"))),
        "other.axis='seconds': need the axis of this curve, 'updates'.",
    ),
    (
        lambda: rh.cosine().over(rh.Run(steps=10**12)).diff(rh.linear().over(RUN)),
        "run=Run(steps=1000000000000): need at most 1e+09 updates, to compare each of them.",
    ),
    (lambda: rh.lint("cosine()", 1000), "run=1000: need a Run. Try rh.Run(steps=1000)."),
    (lambda: rh.lint(3, RUN), "text=3: need a schedule as text. Try \"warmup('5%') >> cosine(end=0.1)\"."),
]
