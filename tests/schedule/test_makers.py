"""Every maker: its class has its arguments, its docstring has all parts, its picture is what it draws."""

import dataclasses
import inspect
import re

import numpy as np
import pytest

import rheostat as rh
from rheostat.schedule.base import MAKERS, Shape

SCHEDULES = {name: make for name, make in MAKERS.items() if name != "absolute"}
NAMES = {**MAKERS, "np": np}


def all_shapes(cls=Shape):
    for sub in cls.__subclasses__():
        yield from all_shapes(sub)
        if sub.name:
            yield sub


@pytest.mark.parametrize("shape", list(all_shapes()), ids=lambda s: s.name)
def test_a_shape_has_the_arguments_of_its_maker(shape):
    parameters = inspect.signature(MAKERS[shape.name]).parameters
    fields = {"over" if f.name == "span" else f.name: f for f in dataclasses.fields(shape)}
    assert fields.keys() == parameters.keys()
    for name, f in fields.items():
        default = inspect.Parameter.empty if f.default is dataclasses.MISSING else f.default
        assert parameters[name].default == default


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_makers_docstring_has_all_its_parts(name):
    text = inspect.getdoc(SCHEDULES[name])
    for part in ("Args:", "Returns:", "Raises:", "Example:", "Picture::"):
        assert part in text, part
    assert "PyTorch" in text
    assert "Source: " in text
    for argument in inspect.signature(SCHEDULES[name]).parameters:
        assert re.search(rf"^\s+{argument}: ", text, re.MULTILINE), argument


def pictures():
    for name, make in SCHEDULES.items():
        for line in inspect.getdoc(make).splitlines():
            if match := re.fullmatch(r"    (\S.*?)  +([▁▂▃▄▅▆▇█ ]{40,48})", line):
                yield name, match[1], match[2]


@pytest.mark.parametrize(("name", "spec", "drawn"), list(pictures()))
def test_a_picture_is_what_the_schedule_draws(name, spec, drawn):
    assert eval(spec, dict(NAMES)).over(rh.Run(steps=1000)).sparkline(48) == drawn


def test_every_maker_but_plateau_has_a_picture():
    assert {name for name, _, _ in pictures()} == SCHEDULES.keys() - {"plateau"}


@pytest.mark.parametrize(
    ("spec", "needs"),
    [
        ("cosine(end=absolute(1e-6))", True),
        ("piecewise([('1 steps', 0.5), ('2 steps', absolute(0.1))])", True),
        ("cosine().clip(min=absolute(0.1)).scale(2)", True),
        ("warmup('5%') >> cosine(end=absolute(1e-6))", True),
        ("cosine() * constant(absolute(1))", True),
        ("piecewise([('1 steps', 0.5)])", False),
        ("warmup('5%') >> cosine().scale(2)", False),
    ],
)
def test_which_schedules_need_a_base_value(spec, needs):
    assert rh.parse(spec).needs_base is needs
