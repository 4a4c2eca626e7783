"""State dicts are data from outside: whatever stands in them, loading ends in one of our errors, or in what was saved."""

import copy
import json

import pytest
import torch

import rheostat as rh
from rheostat.driver.state import sealed

SPEC = "warmup('10%') >> cosine(end=0.1) * plateau(patience=2)"
HOW = ("stop", "keep", "adopt", "rebase")


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = {
    "None": None,
    "True": True,
    "text": "x",
    "empty text": "",
    "empty list": [],
    "empty dict": {},
    "minus": -1,
    "minus float": -0.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "huge": 10**400,
    "endless": 10**5000,
    "deep list": nested(100_000),
    "deep dict": {"a": nested(5000)},
    "power": "9**9**9",
    "deep text": "(" * 50_000,
    "code": "__import__('os').system('true')",
    "run of code": "Run(steps=__import__('os'))",
    "run of digits": "Run(steps=" + "9" * 300 + ")",
    "long text": "a" * 2_000_000,
    "bytes": b"Run(steps=100)",
    "tensor": torch.ones(2),
}


def made(steps=100):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)
    scheduler = rh.Scheduler(optimizer, SPEC, rh.Run(steps=steps))
    for _ in range(7):
        optimizer.step()
        scheduler.step(1.0)
    return optimizer, scheduler


def places(value, path=()):
    """Every place in a nested state, the state itself first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(state, path, value):
    if not path:
        return value
    state = copy.deepcopy(state)
    *outer, last = path
    inner = state
    for key in outer:
        inner = inner[key]
    inner[last] = value
    return state


def seen(optimizer, scheduler):
    return (
        scheduler.position,
        scheduler.state_dict(),
        scheduler.curve.values().tolist(),
        optimizer.param_groups[0]["lr"],
    )


STATE = made()[1].state_dict()
PLACES = list(places(STATE))


MAY_BE = {  # what might have been saved so; names and a metric that was never reported may too
    "minus": ("drives/0/metrics/0/best",),
    "minus float": ("drives/0/metrics/0/best",),
    "empty list": ("entries", "stepped"),
    "True": ("stepped/0",),
}


def resealed(state):
    """With the checksum that belongs to it, where it is data at all: what is looked at is what the checksum lets by."""
    try:
        return sealed(state)
    except (TypeError, ValueError, RecursionError, AttributeError):
        return state


def outcomes(name, how):
    """Where a hostile value led to anything but our error, or was taken for what it cannot be."""
    optimizer, scheduler = made()
    before, wrong = seen(optimizer, scheduler), []
    for path in PLACES:
        place = "/".join(map(str, path))
        try:
            state = replaced(STATE, path, HOSTILE[name])
            scheduler.load_state_dict(state if "checksum" in path else resealed(state), on_change=how)
        except rh.StateError as error:
            if seen(optimizer, scheduler) != before or len(str(error)) > 3000:
                wrong.append(f"{place}: changed, or endless: {str(error)[:80]}")
        except Exception as error:
            wrong.append(f"{place}: {type(error).__name__}: {error}")
        else:
            if not isinstance(HOSTILE[name], (str, type(None))) and place not in MAY_BE.get(name, ()):
                wrong.append(f"{place}: accepted")
        optimizer, scheduler = (optimizer, scheduler) if seen(optimizer, scheduler) == before else made()
    return wrong


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_at_any_place_is_refused_and_nothing_changes(name, how):
    assert outcomes(name, how) == []


@pytest.mark.parametrize("path", [p for p in PLACES if p], ids=lambda path: "/".join(map(str, path)))
def test_a_field_that_is_missing_or_too_many_is_refused(path):
    optimizer, scheduler = made()
    before = seen(optimizer, scheduler)
    *outer, last = path
    if not isinstance(last, str):
        return
    for change in (lambda inner: inner.pop(last), lambda inner: inner.update(more=1)):
        state = copy.deepcopy(STATE)
        inner = state
        for key in outer:
            inner = inner[key]
        change(inner)
        with pytest.raises(rh.StateError):
            scheduler.load_state_dict(state)
        assert seen(optimizer, scheduler) == before


def flipped():
    """Every state whose JSON text differs from the saved one in a bit, where it is still JSON."""
    text = json.dumps(STATE).encode()
    for bit in range(8 * len(text)):
        damaged = bytearray(text)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            yield json.loads(damaged)
        except (ValueError, UnicodeDecodeError):
            continue


def loads_of_flipped():
    """How many load as what was saved, as something else, and are refused."""
    equal = other = refused = 0
    optimizer, scheduler = made()
    before = seen(optimizer, scheduler)
    for state in flipped():
        try:
            scheduler.load_state_dict(state)
        except rh.StateError:
            refused += 1
            assert seen(optimizer, scheduler) == before
        else:
            same = seen(optimizer, scheduler) == before
            equal, other = equal + same, other + (not same)
            optimizer, scheduler = made() if not same else (optimizer, scheduler)
    return equal, other, refused


def test_a_flipped_bit_in_the_text_of_a_state_is_our_error_or_a_state_that_might_have_been_saved():
    assert loads_of_flipped()[2] > 1000  # any other exception comes out


def test_a_flipped_bit_in_the_text_of_a_state_is_recognised():
    assert loads_of_flipped()[1] == 0
