"""The ready-made loop: that it trains as its user would, whatever model, batches and optimizers it is given."""

from collections import UserDict
from typing import NamedTuple

import numpy as np
import pytest
import torch

import rheostat as rh


class Pair(NamedTuple):
    x: torch.Tensor
    y: torch.Tensor


def linear(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Linear(3, 1)


def data(n=6, size=8):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, size, 3, generator=generator)
    return [Pair(part, part.sum(1, keepdim=True)) for part in x]


def loss(model, batch):
    return (model(batch[0]) - batch[1]).pow(2).mean()


def sgd(model, lr=0.1, **options):
    return torch.optim.SGD(model.parameters(), lr=lr, **options)


class Quadratic(torch.nn.Module):
    """½ Σ λ w²: gradient descent is stable below 2/λ and nowhere else."""

    def __init__(self, curvatures):
        super().__init__()
        self.curvatures = torch.tensor(curvatures)
        self.w = torch.nn.Parameter(torch.ones(len(curvatures)))

    def forward(self, batch):
        return 0.5 * (self.curvatures * self.w.pow(2)).sum()


@pytest.mark.parametrize("largest", [1.0, 100.0, 1e-2])
def test_the_stable_limit_of_a_quadratic(largest):
    model = Quadratic([largest, 0.3 * largest, 0.1 * largest])
    limit = 2 / largest
    result = rh.range_test(model, sgd(model), [0], lambda m, b: m(b), min=limit * 1e-4, max=limit * 1e3)
    assert result.status == "ok"
    assert limit / 20 < result.suggestion < limit
    assert limit / 3 < result.minimum < 2 * limit
    # Without noise the loss is so near to 0 by then that it takes a few updates more until its growth is seen.
    assert result.band[1] <= result.avoid < 4 * limit


def test_a_factor_is_swept_and_ratios_stay():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3), torch.nn.Linear(3, 1))
    first = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.01}, {"params": model[1].parameters(), "lr": 0.0}]
    )
    second = torch.optim.AdamW(model[2].parameters(), lr=torch.tensor(5e-4, dtype=torch.float64))
    seen = []

    def watch(done, lr, value):
        groups = [*first.param_groups, *second.param_groups]
        seen.append([lr, *(float(group["lr"]) for group in groups)])

    result = rh.range_test(model, [first, second], data(6, 64), loss, min=1e-5, max=10.0, steps=40, watch=watch)
    assert np.allclose(np.array(seen).T, np.outer([1, 1, 0, 0.05], result.lrs[: len(seen)]), rtol=1e-12)
    assert np.allclose(np.diff(np.log(result.lrs)), np.log(1e6) / 39)
    assert (result.lrs[0], result.lrs[-1]) == (1e-5, 10.0)
    assert result.factor == pytest.approx(result.suggestion / 0.01)


def test_what_a_scheduler_has_made_of_the_rates_plays_no_part():
    model, fresh = linear(), linear()
    optimizer = sgd(model, lr=0.2)
    scheduler = rh.Scheduler(optimizer, "warmup('50 steps')", rh.Run(steps=100))
    assert optimizer.param_groups[0]["lr"] == 0.2 / 50
    result = rh.range_test(model, optimizer, data(), loss)
    assert result.base == 0.2
    assert scheduler.position == 0
    assert (result.losses == rh.range_test(fresh, sgd(fresh), data(), loss).losses).all()


def by_hand(model, optimizer, batches, lrs, accumulate=1):
    """The loop that everybody writes."""
    losses, drawn = [], 0
    for lr in lrs:
        optimizer.param_groups[0]["lr"] = lr
        parts = []
        for _ in range(accumulate):
            value = loss(model, batches[drawn % len(batches)])
            (value / accumulate).backward()
            parts.append(value.item())
            drawn += 1
        optimizer.step()
        optimizer.zero_grad()
        losses.append(np.mean(parts))
    return np.array(losses)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_it_is_the_loop_that_one_writes_by_hand(accumulate):
    model, other = linear(), linear()
    result = rh.range_test(model, sgd(model, momentum=0.9), data(), loss, steps=30, max=0.1, accumulate=accumulate)
    wanted = by_hand(other, sgd(other, momentum=0.9), data(), result.lrs, accumulate)
    assert result.losses == pytest.approx(wanted, rel=1e-5)


def mapping(kind):
    return [kind({"x": x, "y": {"deep": [y, "text"]}}) for x, y in data()]


class Tokens(UserDict):
    """A mapping of its own, as tokenizers return."""

    def to(self, device):
        return self


def generator():
    yield from data()


@pytest.mark.parametrize(
    ("batches", "loss_of"),
    [
        (data(), loss),
        (generator(), loss),
        (iter(data()), loss),
        (lambda epoch: iter(data()), loss),
        (torch.stack([x for x, _ in data()]), lambda m, b: (m(b) - b.sum(1, keepdim=True)).pow(2).mean()),
        (mapping(dict), lambda m, b: loss(m, (b["x"], b["y"]["deep"][0]))),
        (mapping(Tokens), lambda m, b: loss(m, (b.data["x"], b.data["y"]["deep"][0]))),
        ([list(pair) for pair in data()], loss),
        (
            torch.utils.data.DataLoader(
                torch.utils.data.TensorDataset(data(1, 64)[0].x, data(1, 64)[0].y), batch_size=8
            ),
            loss,
        ),
    ],
    ids=["named tuples", "generator", "iterator", "function", "tensor", "mapping", "own mapping", "lists", "loader"],
)
def test_batches_of_any_kind_that_end_are_started_again(batches, loss_of):
    model = linear()
    result = rh.range_test(model, sgd(model), batches, loss_of)
    assert result.updates > 40
    assert result.status == "ok"


def test_a_function_of_the_epoch_is_asked_for_one_epoch_after_another():
    asked, model = [], linear()
    rh.range_test(model, sgd(model), lambda epoch: asked.append(epoch) or data(6), loss, steps=13, max=1e-5)
    assert asked == [0, 1, 2]


def test_repeats_go_on_in_the_data_from_the_same_weights():
    model, first, drawn = linear(), [], []

    def watched(model, batch):
        drawn.append(id(batch.x))
        first.append(model.weight.detach().clone())
        return loss(model, batch)

    result = rh.range_test(model, sgd(model), data(7), watched, steps=10, max=1e-2, repeats=3)
    assert result.curve.losses.shape == (3, 10)
    assert result.updates == 30
    assert torch.equal(first[0], first[10]) and torch.equal(first[0], first[20])
    assert drawn[10] != drawn[0]


def test_an_optimizer_that_needs_a_closure_gets_one():
    model, calls = linear(), []

    def counted(model, batch):
        calls.append(1)
        return loss(model, batch)

    optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=4)
    result = rh.range_test(model, optimizer, data(), counted, min=1e-4, steps=30, accumulate=2)
    assert len(calls) > 3 * result.updates
    assert result.losses[0] == pytest.approx(np.mean([float(loss(model, batch).detach()) for batch in data()[:2]]))


def test_a_validation_loss_is_read_in_its_place_in_eval_mode():
    model, modes = torch.nn.Sequential(linear(), torch.nn.BatchNorm1d(1).eval()), []

    def evaluate(model):
        modes.append((model.training, torch.is_grad_enabled()))
        return (model(torch.ones(2, 3)) - 3).pow(2).mean()

    result = rh.range_test(model, sgd(model), data(), loss, evaluate=evaluate, steps=50)
    assert set(modes) == {(False, False)}
    assert len(modes) == result.updates
    assert model[1].training is False
    assert result.losses[0] == pytest.approx(evaluate(model).item(), rel=1e-3)


def test_gradients_are_clipped_as_asked():
    model = linear()
    free = rh.range_test(model, sgd(model), data(), loss)
    clipped = rh.range_test(model, sgd(model), data(), loss, clip=0.01, max=1e4)
    assert clipped.minimum > 3 * free.minimum


@pytest.mark.parametrize("clip", [None, 1.0])
def test_mixed_precision_with_a_scaler(clip):
    model = linear()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)  # the first updates overflow and are skipped

    def mixed(model, batch):
        with torch.autocast("cpu", torch.bfloat16):
            return loss(model, batch)

    result = rh.range_test(model, sgd(model), data(), mixed, scaler=scaler, clip=clip)
    assert result.status == "ok"
    assert scaler.get_scale() == 2.0**40


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_not_finite_ends_the_ramp_and_is_an_answer(value):
    model, seen = linear(), []

    def breaks(model, batch):
        seen.append(1)
        return loss(model, batch) * (value if len(seen) == 60 else 1.0)

    result = rh.range_test(model, sgd(model), data(), breaks, max=0.05)
    assert len(seen) == result.updates == 60
    assert np.isinf(result.losses[59:]).all()
    assert result.avoid == pytest.approx(result.lrs[59], rel=0.9)


def test_negative_losses_stop_and_read_as_others_do():
    model = linear()
    plain = rh.range_test(model, sgd(model), data(), loss)
    shifted = rh.range_test(model, sgd(model), data(), lambda m, b: loss(m, b) - 1000.0)
    assert plain.updates == shifted.updates < 100
    assert plain.status == shifted.status == "ok"
    assert plain.suggestion == pytest.approx(shifted.suggestion, rel=0.2)


def test_backward_may_be_somebody_elses():
    model, scales = linear(), []

    def backward(value):
        scales.append(1)
        value.backward()

    result = rh.range_test(model, sgd(model), data(), loss, backward=backward)
    assert len(scales) == result.updates


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": torch.sum}, "model=<built-in .*: need a torch.nn.Module"),
        ({"optimizer": "adam"}, "optimizer=str: need a torch.optim.Optimizer"),
        ({"optimizer": []}, "need at least one optimizer"),
        ({"optimizer": sgd(linear(), lr=0.0)}, "lr of every group=0.0: need a group with an lr above 0"),
        ({"batches": 3}, "batches=3: need a DataLoader"),
        ({"batches": []}, r"batches=\[\]: need at least one batch"),
        ({"batches": iter([])}, "need at least one batch"),
        ({"loss": None}, "loss=None: need a function"),
        ({"loss": lambda m, b: m(b[0])}, r"loss='shape \(8, 1\)': need a function of \(model, batch\)"),
        ({"loss": lambda m, b: 1.0}, "loss='float'"),
        ({"loss": lambda m, b: torch.tensor(1.0)}, "a scalar tensor with a gradient"),
        (
            {"evaluate": lambda m: {"loss": 1.0}},
            "evaluate={'loss': 1.0}: need a function of the model that returns one",
        ),
        ({"min": 0.0}, "min=0.0: need a finite number above 0"),
        ({"min": 1.0, "max": 0.1}, "max=0.1: need a learning rate above min=1. Try min=0.1 and max=1."),
        ({"max": float("inf")}, "max=inf"),
        ({"steps": 3}, "steps=3: need a whole number ≥ 10"),
        ({"steps": "100"}, "steps='100'"),
        ({"repeats": 0}, "repeats=0"),
        ({"accumulate": 0}, "accumulate=0"),
        ({"clip": -1.0}, "clip=-1.0"),
        ({"rise": 0}, "rise=0"),
        ({"store": "ram"}, "store='ram': need one of 'auto', 'memory', 'disk'"),
        ({"also": ["ema"]}, "also='ema': need modules, or objects with state_dict"),
        (
            {"closure": True, "scaler": torch.amp.GradScaler("cpu")},
            "need no scaler where the optimizer takes a closure",
        ),
        ({"model": torch.nn.LazyLinear(1)}, "need parameters that have a shape"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(change, message):
    model = linear()
    optimizer = sgd(model, momentum=0.9)
    given = {"model": model, "optimizer": optimizer, "batches": data(), "loss": loss} | change
    before = [p.clone() for p in model.parameters()]
    with pytest.raises((rh.ScheduleError, rh.SchedulerError), match=message):
        rh.range_test(**given)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not optimizer.state
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_the_result_is_told_and_drawn(tmp_path):
    model = linear()
    result = rh.range_test(model, sgd(model), data(), loss, repeats=2)
    text = str(result)
    for word in ("ok", "suggestion", "band", "avoid", "minimum", "steepest", "valley", "divergence"):
        assert word in text
    assert f"{result.suggestion:.2g}" in text
    axes = result.plot()
    assert {line.get_label() for line in axes.get_lines()} >= {"loss", "smoothed", "minimum ÷ 3", "steepest", "valley"}
    assert result.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(rh.ScheduleError, match="ends in .png"):
        result.save(tmp_path / "a.jpg")
