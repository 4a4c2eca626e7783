"""How often samples are seen: a short run sees as few as the training sees as often, where they do come again."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset

import rheostat as rh
from rheostat.probe.batches import Batches
from rheostat.probe.passes import few


def loss(model, batch):
    x, y = batch
    return (model(x) - y).pow(2).mean()


class Points(Dataset):
    """Samples that stay as they are, or are moved a little each time."""

    def __init__(self, n=320, moved=0.0):
        generator = torch.Generator().manual_seed(0)
        self.x, self.moved = torch.randn(n, 3, generator=generator), moved

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = self.x[i] + self.moved * torch.randn(3)
        return x, x.sum(0, keepdim=True)


class Stream(IterableDataset):
    """The same, one after another, without a length."""

    def __init__(self, n=320):
        self.points = Points(n)

    def __iter__(self):
        return iter(self.points)


def by_epoch(moved=0.0):
    points = Points(moved=moved)

    def batches(epoch):
        order = torch.randperm(320, generator=torch.Generator().manual_seed(epoch))
        return [torch.utils.data.default_collate([points[i] for i in part]) for part in order.view(40, 8).tolist()]

    return batches


def seen(batches, loss_of=loss, steps=500, accumulate=1, **rates):
    """What short runs say of themselves, and how many different batches one of them was really trained on."""
    torch.manual_seed(0)
    model, used = torch.nn.Linear(3, 1), []

    def noted(model, batch):
        if model.training:
            used.append(torch.as_tensor(batch[0][0]).flatten().tolist())
        return loss_of(model, batch)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = rh.find_lr(model, optimizer, batches, noted, run=rh.Run(steps=steps, **rates), accumulate=accumulate)
    whole = [t for t in found.trials if not t.note]
    last = used[-whole[-1].updates * accumulate :]
    return whole[-1].batches, len(set(map(tuple, last))), found


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param(DataLoader(Points(), batch_size=8, shuffle=True), id="a shuffled loader"),
        pytest.param(DataLoader(Points(), batch_size=8, shuffle=True, num_workers=1), id="with a worker"),
        pytest.param(list(DataLoader(Points(), batch_size=8)), id="a list"),
        pytest.param(by_epoch(), id="a function of the epoch"),
        pytest.param(DataLoader(Stream(), batch_size=8), id="a stream that ends soon"),
    ],
)
def test_samples_that_come_again_are_seen_as_often_as_in_the_training(batches):
    told, used, found = seen(batches, steps=400)
    assert told == used == 3  # 30 updates; 400 of 40 an epoch are 10 passes
    assert "after 30 updates over 3 batches" in str(found)


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param(DataLoader(Points(moved=0.1), batch_size=8, shuffle=True), id="augmented"),
        pytest.param(by_epoch(moved=0.1), id="augmented, by epoch"),
        pytest.param(DataLoader(Stream(1600), batch_size=8), id="of unknown length"),
        pytest.param(iter(list(DataLoader(Points(), batch_size=8))), id="an iterator"),
    ],
)
def test_where_they_are_not_known_to_come_again_each_update_has_its_own(batches):
    told, used, found = seen(batches)
    assert told == 0 and used == 31
    assert "after 31 updates (untrained" in str(found)


@pytest.mark.parametrize(("passes", "told"), [(1, 0), (4, 0), (5, 6)])
def test_up_to_four_passes_each_update_has_its_own(passes, told):
    assert seen(list(DataLoader(Points(), batch_size=8)), steps=40 * passes)[0] == told


def test_an_update_of_several_batches_has_all_of_them():
    told, used, found = seen(list(DataLoader(Points(), batch_size=4)), accumulate=4, steps=100)
    assert told == used == 4 * round(found.trials[0].updates / 5)  # 80 batches are 20 updates, 100 are 5 passes


def test_there_are_three_at_least_since_one_has_no_noise():
    assert seen(list(DataLoader(Points(), batch_size=32)), steps=1000)[:2] == (3, 3)  # 44 updates, 100 passes


def test_an_epoch_may_be_said_by_the_run():
    assert seen(DataLoader(Stream(1600), batch_size=8), steps_per_epoch=100)[:2] == (6, 6)


def noisy(seed, n=16):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 32, 120, generator=generator)
    y = x[..., :3].sum(-1, keepdim=True) + 2 * torch.randn(n, 32, 1, generator=generator)
    return list(zip(x, y, strict=True))


def empty():
    model = torch.nn.Linear(120, 1)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    return model


def test_noise_that_would_be_learned_by_heart_is_answered_with_less():
    said, scores = {}, {}
    for name, batches in {"again": noisy(0), "anew": lambda epoch: noisy(epoch)}.items():
        model = empty()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        run = rh.Run(steps=400)
        said[name] = rh.find_lr(model, optimizer, batches, loss, run=run, schedule="constant()").suggestion
    for name, lr in said.items():  # 25 passes, really, and data that were never seen
        model = empty()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        for batch in noisy(0) * 25:
            loss(model, batch).backward()
            optimizer.step()
            optimizer.zero_grad()
        scores[name] = sum(loss(model, batch).item() for batch in noisy(1, 100)) / 100
    assert said["again"] < said["anew"] / 2
    assert scores["again"] < scores["anew"] - 0.1


def mixed(samples, collate):
    """Forty batches of eight an epoch, in another order each time."""

    def batches(epoch):
        order = torch.randperm(320, generator=torch.Generator().manual_seed(epoch)).view(40, 8).tolist()
        return [collate([samples[i] for i in part]) for part in order]

    return batches


def padded(rows):
    longest = max(map(len, rows))
    tokens = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    return {"input_ids": tokens, "attention_mask": (tokens > 0).long()}


TEXTS = [f"{i} of {i * i}" for i in range(320)]
TOKENS = [[(7 * i + k * k) % 997 + 1 for k in range(5 + i % 9)] for i in range(320)]
POINTS = np.random.default_rng(0).normal(size=(320, 5000))


@pytest.mark.parametrize(
    ("batches", "least"),
    [
        pytest.param(mixed(TEXTS, list), 4, id="texts"),
        pytest.param(mixed(TOKENS, padded), 4, id="tokens, filled up to the longest of the batch"),
        pytest.param(mixed(POINTS, np.stack), 4, id="arrays"),
        pytest.param(
            mixed(POINTS, lambda rows: {"x": np.stack(rows) + np.random.normal(size=(8, 1))}), None, id="anew"
        ),
        pytest.param(mixed(TEXTS, lambda texts: object()), None, id="of a kind that cannot be told apart"),
    ],
)
def test_samples_of_any_kind_are_known_again(batches, least):
    source = Batches(batches)
    source.start()
    drawn = [source.draw() for _ in range(20)]
    assert few(source, drawn, rh.Run(steps=400), 40, 1) == least
