"""Values of any nesting come back in the objects that held them."""

import random
from collections import deque

import numpy as np
import pytest
import torch

from rheostat.probe.keep import Keeper
from rheostat.probe.store import free_memory


def draws(generator):
    if isinstance(generator, torch.Generator):
        return torch.rand(3, generator=generator).tolist()
    return [generator.random() for _ in range(3)]


@pytest.mark.parametrize(
    "make", [torch.Generator, lambda: np.random.default_rng(1), lambda: np.random.RandomState(1), random.Random]
)
def test_a_random_generator_draws_the_same_again(make):
    generator, keeper = make(), Keeper()
    back = keeper.keep(generator)
    keeper.fill("memory")
    first = draws(generator)
    assert back() is generator
    assert draws(generator) == first


def test_containers_of_containers_and_those_that_hold_themselves():
    tensor, array = torch.ones(2), np.ones(2)
    whole = {"list": [tensor, {"deep": array}], "deque": deque([1, 2]), "set": {1}, "tuple": (tensor, 3)}
    whole["self"] = whole
    inner, keeper = whole["list"], Keeper()
    back = keeper.keep(whole)
    keeper.fill("memory")
    tensor.zero_()
    array[:] = 0
    whole["deque"].append(3)
    whole["set"].add(2)
    inner.clear()
    del whole["tuple"]
    assert back() is whole
    assert whole["self"] is whole
    assert whole["list"] is inner
    assert whole["list"][0] is tensor is whole["tuple"][0]
    assert tensor.tolist() == [1, 1] == inner[1]["deep"].tolist()
    assert (list(whole["deque"]), whole["set"]) == ([1, 2], {1})


def test_a_tensor_whose_contents_were_swapped_gets_its_own_back():
    tensor, keeper = torch.arange(6.0), Keeper()
    back = keeper.keep(tensor)
    keeper.fill("memory")
    tensor.data = torch.zeros(2, 2, dtype=torch.float64)
    back()
    assert tensor.tolist() == [0, 1, 2, 3, 4, 5]
    assert tensor.dtype == torch.float32


def test_free_memory_is_a_number_of_bytes():
    assert free_memory() > 1e6
