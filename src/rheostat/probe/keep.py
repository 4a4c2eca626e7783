"""Remembering values of any nesting so that they can be put back bit for bit, in the objects that held them."""

from __future__ import annotations

import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch

from rheostat.probe.store import Store, Where

Back = Callable[[], Any]
"""Puts a value back as it was, and returns it: the same object."""

PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CONTAINERS = (dict, OrderedDict, defaultdict, list, deque, set, tuple)
_GENERATORS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


class Keeper:
    """Remembers values in two steps: first what there is, then, once its size is known, a copy of every tensor."""

    def __init__(self) -> None:
        self.tensors: dict[int, torch.Tensor] = {}
        self.store: Store | None = None
        self.known: dict[int, Back] = {}

    def fill(self, where: Where) -> None:
        """Copy all tensors that were found."""
        self.store = Store(self.tensors.values(), where)

    def keep(self, value: Any) -> Back:
        """Remember a value: tensors, arrays, random generators, and containers of them; others by reference."""
        if id(value) in self.known:  # also one that holds itself
            return self.known[id(value)]
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return _array(value)
        if isinstance(value, _GENERATORS):
            return _generator(value)
        if isinstance(value, _CONTAINERS):
            return self._container(value)
        return lambda: value

    def attributes(self, owner: object, *, but: frozenset[str] = frozenset(), tensors: bool = True) -> Back:
        """Remember what an object keeps in plain attributes, beside other objects, which are left alone.

        Args:
            owner: the object.
            but: names to leave alone.
            tensors: whether tensors, arrays and containers count too, beside numbers, texts and random generators.
        """
        kinds = (*PLAIN, *_GENERATORS, *((torch.Tensor, np.ndarray, *_CONTAINERS) if tensors else ()))
        held = vars(owner)
        kept = {n: self.keep(v) for n, v in held.items() if n not in but and isinstance(v, kinds)}
        names = set(held)

        def back() -> None:
            for name in [n for n, v in held.items() if n not in names and n not in but and isinstance(v, kinds)]:
                del held[name]
            held.update({name: put() for name, put in kept.items()})

        return back

    def _tensor(self, value: torch.Tensor) -> Back:
        self.tensors[id(value)] = value

        def back() -> torch.Tensor:
            assert self.store is not None
            self.store.put_back(value)
            return value

        return back

    def _container(self, value: Any) -> Back:
        self.known[id(value)] = lambda: value
        if isinstance(value, dict):
            items = {key: self.keep(item) for key, item in value.items()}

            def back() -> Any:
                whole = {key: put() for key, put in items.items()}
                value.clear()
                value.update(whole)
                return value

        elif isinstance(value, set):
            members = set(value)

            def back() -> Any:
                value.clear()
                value.update(members)
                return value

        else:
            parts = [self.keep(item) for item in value]

            def back() -> Any:
                whole = [put() for put in parts]
                if not isinstance(value, tuple):
                    value.clear()
                    value.extend(whole)
                return value

        return back


def _array(value: np.ndarray) -> Back:
    copy = value.copy()

    def back() -> np.ndarray:
        value[...] = copy
        return value

    return back


def _generator(value: Any) -> Back:
    if isinstance(value, torch.Generator):
        state = value.get_state().clone()
        put: Callable[[], Any] = lambda: value.set_state(state)
    elif isinstance(value, np.random.Generator):
        numbers = deepcopy(value.bit_generator.state)
        put = lambda: setattr(value.bit_generator, "state", deepcopy(numbers))
    elif isinstance(value, np.random.RandomState):
        legacy = value.get_state()
        put = lambda: value.set_state(legacy)
    else:
        python = value.getstate()
        put = lambda: value.setstate(python)

    def back() -> Any:
        put()
        return value

    return back
