"""Tasks by somebody who did not know how the finder works; the margin after a second search was seen on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import corpora
import losses
import models
import pretrained
import sets
import torch
from torch import nn
from torch.nn import functional as F

NEAR = 10
SHARPNESS = 3.0
MATRICES = ("sgd", "adamw")


# What they learn from.


@cache
def digits_in_order() -> tuple[torch.Tensor, torch.Tensor]:
    """All 1797 digits with pixels from 0 to 16, as scikit-learn has them."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


@cache
def few_labels() -> corpora.Split:
    """The numbers of 297 digits whose label is known, and of 1500 whose label is not: pixels are in the graph."""
    _, labels = digits_in_order()
    return corpora.split(torch.arange(len(labels)), labels, 1500)


@cache
def neighbours() -> torch.Tensor:
    """Each digit itself, and the ten that look most like it."""
    x, _ = digits_in_order()
    return torch.cdist(x, x).topk(NEAR + 1, largest=False).indices


@cache
def sums(length: int = 12) -> corpora.Split:
    """Rows of numbers of which two are marked, and the sum of these (Hochreiter & Schmidhuber 1997)."""
    made = torch.Generator().manual_seed(21)
    numbers = torch.rand(9000, length, generator=made)
    marked = torch.rand(9000, length, generator=made).topk(2).indices
    marks = torch.zeros_like(numbers).scatter(1, marked, 1.0)
    return corpora.split(torch.stack([numbers, marks], -1), (numbers * marks).sum(1, keepdim=True), 1000)


@cache
def halves() -> corpora.Split:
    """The upper half of a digit and its lower half, both as counts from 0 to 16 that nobody has scaled."""
    x, _ = digits_in_order()
    return corpora.split(x[:, :32], x[:, 32:], 500)


@cache
def photographs() -> torch.Tensor:
    """A temple and a flower in grey (scikit-learn's two photographs), from 0 to 1: (2, 424, 640)."""
    from sklearn.datasets import load_sample_images

    images = [torch.tensor(image, dtype=torch.float32) for image in load_sample_images().images]
    return torch.stack([image[:424].mean(-1) / 255 for image in images])


@cache
def tiles() -> corpora.Split:
    """Squares of 4 × 4 pixels of the photographs, with noise below one level of grey; there is nothing to predict."""
    noise = torch.Generator().manual_seed(22)
    x = photographs().reshape(2, 106, 4, 160, 4).transpose(2, 3).reshape(-1, 16)
    x = 4 * (x + torch.rand(x.shape, generator=noise) / 256 - 0.5)
    return corpora.split(x, x[:, 0], 2000)


@cache
def capitals(length: int = 48) -> corpora.Split:
    """Windows of the plays in lower case, and where a capital was."""
    mixed = torch.Generator().manual_seed(23)
    train, test, known = corpora.characters()
    small = torch.tensor([known.index(c.lower()) if c.lower() in known else i for i, c in enumerate(known)])
    large = torch.tensor([float(c.isupper()) for c in known])

    def windows(part: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = part[torch.randint(len(part) - length, (n, 1), generator=mixed) + torch.arange(length)]
        return small[found], large[found]

    return (*windows(train, 6000), *windows(test, 500))


@cache
def upside_down() -> corpora.Split:
    """2000 images of Fashion-MNIST upside down, as rows."""
    x, y, test_x, test_y = sets.rows()
    return x[:2000].flip(1), y[:2000], test_x.flip(1), test_y


@cache
def pasted() -> corpora.Split:
    """A piece of clothing on a piece of a photograph, and the pixels that belong to it."""
    places = torch.Generator().manual_seed(24)
    grounds = photographs().unfold(1, 28, 4).unfold(2, 28, 4).flatten(0, 2)[:, None]

    def on_grounds(clothes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        ground = grounds[torch.randint(len(grounds), (len(clothes),), generator=places)]
        return torch.where(clothes > 0.1, clothes, ground), (clothes > 0.1).float()

    x, _, test_x, _ = corpora.fashion()
    return (*on_grounds(x[:4000]), *on_grounds(test_x[:500]))


@cache
def logged() -> corpora.Split:
    """Digits shown to a system that guesses blindly: what it said, and its reward, which one in ten times is wrong."""
    chance = torch.Generator().manual_seed(25)

    def tried(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, y = x.repeat(8, 1), y.repeat(8)
        said = torch.randint(10, y.shape, generator=chance)
        reward = (said == y) ^ (torch.rand(y.shape, generator=chance) < 0.1)
        return x, torch.stack([said, reward.long()], 1)

    x, y, test_x, test_y = corpora.digits()
    return (*tried(x, y), *tried(test_x, test_y))


@cache
def answers() -> corpora.Split:
    """Images of Fashion-MNIST as rows, and what a trained convolutional network answers: ten numbers each."""
    teacher = pretrained.trained_image_model().eval()
    x, _, test_x, _ = corpora.fashion()
    with torch.no_grad():
        said, test_said = (torch.cat([teacher(rows) for rows in part.split(500)]) for part in (x, test_x))
    return x.flatten(1), said, test_x.flatten(1), test_said


# The networks.


class Neighbourhood(nn.Module):
    """A graph network with dropout: of each digit's neighbours' neighbours to its neighbours to itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("near", neighbours())
        self.register_buffer("pixels", (digits_in_order()[0] / 16)[neighbours()].mean(1))
        self.layers = nn.ModuleList([nn.Linear(64, width), nn.Linear(width, width)])
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.pixels[self.near[self.near[x]]]
        for layer in self.layers:
            found = self.drop(layer(found).relu().mean(-2))
        return self.head(found)


class Adder(nn.Module):
    """A GRU over pairs of numbers, and one number at its end."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(2, width, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(x)[0][:, -1])


class Flow(nn.Module):
    """Half of the numbers stretched and moved by what the other half says, in turn (Dinh et al. 2017)."""

    def __init__(self, size: int, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(models.mlp(size // 2, width, size) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = x[:, ::2], x[:, 1::2]
        stretched = x.new_zeros(len(x))
        for layer in self.layers:
            stretch, move = layer(a).chunk(2, -1)
            stretch = 2 * stretch.tanh()
            a, b = b * stretch.exp() + move, a
            stretched = stretched + stretch.sum(-1)
        return torch.cat([a, b], -1), stretched


class Tagger(nn.Module):
    """Convolutions over characters, each looking twice as far as the one before, and a number for each character."""

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=far, dilation=far) for far in (1, 2, 4))
        self.head = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.embed(x).transpose(1, 2)
        for layer in self.layers:
            found = found + layer(found).relu()
        return self.head(found.transpose(1, 2))[..., 0]


class Adapted(nn.Module):
    """A frozen linear layer and a change of low rank beside it, 0 at first (Hu et al. 2022)."""

    def __init__(self, frozen: nn.Linear, rank: int) -> None:
        super().__init__()
        self.frozen = frozen.requires_grad_(requires_grad=False)
        self.down = nn.Linear(frozen.in_features, rank, bias=False)
        self.up = nn.Linear(rank, frozen.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.frozen(x) + 2 * self.up(self.down(x))


class Segmenter(nn.Module):
    """A number for each pixel, from its surroundings at full and at half size; group norm, for batches of four."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.near = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.GroupNorm(2, width), nn.SiLU())
        down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        wide = nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2)
        norms = [nn.GroupNorm(4, 2 * width) for _ in range(2)]
        self.far = nn.Sequential(down, norms[0], nn.SiLU(), wide, norms[1], nn.SiLU(), nn.Upsample(scale_factor=2))
        self.head = nn.Conv2d(3 * width, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        near = self.near(x)
        return self.head(torch.cat([near, self.far(near)], 1))


class Experts(nn.Module):
    """Four small networks, of which the two that a gate picks are heard (Shazeer et al. 2017)."""

    def __init__(self, inputs: int, width: int, out: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.gate = nn.Linear(width, 4)
        self.experts = nn.ModuleList(models.mlp(width, width, out) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.first(x).relu()
        marks, chosen = self.gate(found).topk(2)
        weight = torch.zeros(len(x), 4).scatter(1, chosen, marks.softmax(-1))
        return sum(weight[:, [i]] * expert(found) for i, expert in enumerate(self.experts))


def upright() -> nn.Module:
    """A residual network."""
    return models.deep(784, 64, 2)


@cache
def trained_upright() -> dict[str, Any]:
    """The same after 600 updates on Fashion-MNIST."""
    return pretrained.trained(upright, sets.rows(), 600, 1e-3, 97)


def adapted(rank: int = 4) -> nn.Module:
    """The same, frozen, with a change of low rank beside each linear layer."""
    model = upright()
    model.load_state_dict(trained_upright())
    model.requires_grad_(requires_grad=False)
    for inside in [model, *(block.inside for block in model if isinstance(block, models.Block))]:
        for i, layer in enumerate(inside):
            if isinstance(layer, nn.Linear):
                inside[i] = Adapted(layer, rank)
    return model


# What they minimise.


def counted(model: nn.Module, batch: Any) -> torch.Tensor:
    """The negative log-likelihood of counts by Poisson, less what no model can change: below 0 when it is good."""
    return F.poisson_nll_loss(model(batch[0]), batch[1])


def triplets(model: nn.Module, batch: Any) -> torch.Tensor:
    """By how much those of its kind are not nearer, by 0.5, than each of another kind (after Schroff et al. 2015)."""
    found = F.normalize(model(batch[0]), dim=-1)
    apart = 2 - 2 * found @ found.T
    same = batch[1][:, None] == batch[1]
    mean = (apart * same).sum(1) / same.sum(1)
    return (0.5 + mean[:, None] - apart)[~same].relu().mean()


def unlikely(model: nn.Module, batch: Any) -> torch.Tensor:
    """The negative logarithm of the density, for one number."""
    found, stretched = model(batch[0])
    return 0.5 * found.square().mean() + 0.5 * math.log(2 * math.pi) - stretched.mean() / found.shape[-1]


def yes_or_no(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy of two answers for each place, of which one is rare."""
    return F.binary_cross_entropy_with_logits(model(batch[0]), batch[1])


def overlap(model: nn.Module, batch: Any) -> torch.Tensor:
    """One less the overlap of what is found with what is there, for each image (Milletari et al. 2016)."""
    found, there = model(batch[0]).sigmoid().flatten(1), batch[1].flatten(1)
    return 1 - ((2 * (found * there).sum(1) + 1) / (found.sum(1) + there.sum(1) + 1)).mean()


def unrewarded(model: nn.Module, batch: Any) -> torch.Tensor:
    """Less the reward that the policy would have had, by weights on what was tried; always below 0."""
    said, reward = batch[1].unbind(1)
    likely = model(batch[0]).softmax(-1).gather(1, said[:, None])[:, 0]
    return -(10 * likely * reward).mean()


def distilled(model: nn.Module, batch: Any) -> torch.Tensor:
    """How far the answers are from the teacher's, both made softer (Hinton et al. 2015)."""
    mine, wanted = (F.log_softmax(said / SHARPNESS, -1) for said in (model(batch[0]), batch[1]))
    return SHARPNESS**2 * F.kl_div(mine, wanted, reduction="batchmean", log_target=True)


def fresh(task: Callable[..., Any]) -> dict[str, Any]:
    """The tasks, made by the class that is given."""
    return {
        "digits_graph": task(partial(Neighbourhood, 48), few_labels, losses.classify, 300, 27),
        "adding": task(partial(Adder, 32), sums, losses.squared, 1000, 32, MATRICES),
        "lower_halves": task(partial(models.mlp, 32, 64, 64, 32), halves, counted, 400, 16),
        "fashion_triplets": task(partial(models.mlp, 784, 96, 96, 24), sets.rows, triplets, 500, 60),
        "photo_flow": task(partial(Flow, 16, 48, 4), tiles, unlikely, 700, 128),
        "capitals": task(lambda: Tagger(len(corpora.characters()[2]), 24), capitals, yes_or_no, 500, 8, MATRICES),
        "low_rank": task(adapted, upside_down, losses.classify, 250, 16),
        "pasted_clothes": task(partial(Segmenter, 8), pasted, overlap, 500, 4, MATRICES),
        "logged_guesses": task(partial(models.mlp, 64, 64, 10), logged, unrewarded, 2700, 32),
        "student_experts": task(partial(Experts, 784, 32, 10), answers, distilled, 700, 64),
    }
