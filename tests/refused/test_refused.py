"""Bad input: every row of the tables, and every argument of every maker against every wrong kind of value."""

import functools
import inspect
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import rheostat as rh
from refused.makers import MAKERS as REFUSED_MAKERS
from refused.places import PLACES
from refused.runs import RUN, RUNS
from rheostat.schedule.base import MAKERS

NAN, INF = float("nan"), float("inf")
TABLE = [*REFUSED_MAKERS, *RUNS, *PLACES]


@pytest.mark.parametrize(("bad", "message"), TABLE, ids=range(len(TABLE)))
def test_it_is_refused_with_a_message_that_helps(bad, message):
    with pytest.raises(rh.ScheduleError) as caught:
        bad()
    assert str(caught.value) == message


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
        (lambda: rh.warmup("100000 steps"), "warmup('1e5 steps')"),
        (lambda: rh.warmup("10000 steps"), "warmup('10000 steps')"),
        (lambda: rh.Span(1e-15, "steps"), "Span(1e-15, 'steps')"),
        (lambda: rh.Span(10**15, "steps"), "Span(1e15, 'steps')"),
        (lambda: rh.warmup("2e6 samples"), "warmup('2e6 samples')"),
        (lambda: rh.warmup(" 5 % "), "warmup('5%')"),
        (
            lambda: rh.multistep(at=("1 epochs", "2 epochs"), factor=0.1),
            "multistep(at=['1 epochs', '2 epochs'], factor=0.1)",
        ),
        (lambda: rh.piecewise([["0 steps", 0.5], ("50%", 2)]), "piecewise([('0 steps', 0.5), ('50%', 2)])"),
        (lambda: rh.from_function(functools.partial(np.power, 2.0)), "from_function(functools.partial)"),
        (lambda: rh.from_function(np.sqrt), "from_function(numpy.sqrt)"),
        (lambda: rh.cosine().scale(np.float64(0.3)), "cosine().scale(0.3)"),
        (lambda: rh.cosine().clip(min=np.float32(0.5)), "cosine().clip(min=0.5)"),
        (lambda: rh.cosine().repeat(np.int32(2)), "cosine().repeat(2)"),
        (
            lambda: rh.cosine_restarts(period="1 epoch", growth=Fraction(3, 2)),
            "cosine_restarts(period='1 epochs', growth=1.5)",
        ),
        (lambda: rh.absolute(np.float64(1e-6)), "absolute(1e-06)"),
        (lambda: rh.Run(tokens=np.int64(5), tokens_per_step=np.float32(2)), "Run(tokens=5, tokens_per_step=2.0)"),
        (lambda: rh.cosine().over(RUN, base=np.float64(0.1)).base, "0.1"),
        (lambda: rh.linear().over(RUN).at(np.int64(500)), "0.5"),
        (lambda: rh.linear().over(RUN).at(np.float32(500)), "0.5"),
        (lambda: len(rh.linear().over(RUN).values(np.int64(5), 9.0)), "4"),
        (lambda: (rh.plateau() * rh.plateau(factor=0.5)).over(RUN).at(0, signals=np.array([0.5, 0.1])), "0.05"),
        (lambda: rh.parse(rh.cosine()), "cosine()"),
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


def test_an_error_about_a_long_schedule_is_short():
    with pytest.raises(rh.ScheduleError) as caught:
        rh.parse(" >> ".join(["constant(over='10%')"] * 300) + " >> cosine()").over(RUN)
    assert len(str(caught.value)) < 400


GOOD = {
    "absolute": {"value": 1},
    "warmup": {"over": "5%"},
    "step": {"every": "5%", "factor": 0.5},
    "multistep": {"at": ["5%"], "factor": 0.5},
    "exponential": {"every": "5%", "factor": 0.5},
    "inverse_sqrt": {"timescale": "5%"},
    "cyclic": {"low": 0.1, "up": "5%", "mode": "exp_range", "factor": 0.5, "every": "5%"},
    "cosine_restarts": {"period": "5%"},
    "piecewise": {"points": [("5%", 1)]},
    "from_function": {"f": np.sqrt},
    "wsd": {"warmup": "5%", "cooldown": "5%"},
    "trapezoid": {"warmup": "5%", "cooldown": "5%"},
}
ARGUMENTS = [(name, argument) for name, make in MAKERS.items() for argument in inspect.signature(make).parameters]
WRONG = [
    NAN,
    -INF,
    INF,
    np.float64(NAN),
    -1,
    10**400,
    1j,
    "x",
    "nan",
    "",
    b"5%",
    [],
    {},
    [NAN],
    [None],
    object(),
    Decimal(1),
]
WRONG += [
    np.array([0.1, 0.2]),
    Fraction(10**400),
    rh.cosine(),
    type,
    "5",
    "5 parsecs",
    "-5%",
    ("5%", 1, 2),
    [("5%",)],
    NotImplemented,
]


def call(name, argument, value):
    return MAKERS[name](**{**GOOD.get(name, {}), argument: value})


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_no_argument_accepts_what_is_no_value_of_its_kind(name, argument):
    MAKERS[name](**GOOD.get(name, {}))
    for value in WRONG:
        if argument == "f" and callable(value):
            continue
        with pytest.raises(rh.ScheduleError) as caught:
            call(name, argument, value)
        assert str(caught.value).startswith(argument), (value, str(caught.value))
        assert ": need " in str(caught.value)


@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_booleans_and_none_are_no_numbers(name, argument):
    default = inspect.signature(MAKERS[name]).parameters[argument].default
    for value in (True, np.True_, None):
        if value is default or (value is True and isinstance(default, bool)) or (name, argument) == ("warmup", "start"):
            continue
        with pytest.raises(rh.ScheduleError):
            call(name, argument, value)


@pytest.mark.parametrize("argument", list(inspect.signature(rh.Run).parameters))
def test_no_argument_of_a_run_accepts_what_is_no_value_of_its_kind(argument):
    for value in [*WRONG, 0, True, "0 s"]:
        rates = {"samples_per_step": 1, "tokens_per_step": 1}
        with pytest.raises(rh.ScheduleError) as caught:
            rh.Run(**{**rates, argument: value})
        assert str(caught.value).startswith(argument)


@pytest.mark.parametrize("value", WRONG[:-1])
def test_no_span_has_such_an_amount_or_unit(value):
    for make in (lambda: rh.Span(value, "steps"), lambda: rh.Span(1, value), lambda: rh.Span.of(value, "length")):
        with pytest.raises(rh.ScheduleError):
            make()
