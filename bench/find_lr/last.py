"""More tasks by somebody who did not know how the finder works: nothing is tuned on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import corpora
import fresh
import losses
import models
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

MATRICES = ("sgd", "adamw")
KNOWN = 600
FIELDS, BUCKETS = 8, 512
QUANTILES = (0.1, 0.5, 0.9)
MOMENTS, TICK = 15, 0.1


# What they learn from.


@cache
def words(length: int = 20) -> corpora.Split:
    """Windows of the 600 most frequent words and marks of the plays, one for all others, and what follows each."""
    mixed = torch.Generator().manual_seed(41)
    read = [re.findall(r"[a-z']+|[.,:;?!]", text.lower()) for text in corpora.plays()]
    known = Counter(word for text in read for word in text).most_common(KNOWN - 1)
    number = {word: i for i, (word, _) in enumerate(known, 1)}

    def windows(texts: list[list[str]], n: int) -> tuple[torch.Tensor, torch.Tensor]:
        line = torch.tensor([number.get(word, 0) for text in texts for word in text])
        found = line[torch.randint(len(line) - length - 1, (n, 1), generator=mixed) + torch.arange(length + 1)]
        return found[:, :-1], found[:, 1:]

    return (*windows(read[:-5], 10_000), *windows(read[-5:], 500))


@cache
def clicks(rows: int = 41_000, names: int = 4000) -> corpora.Split:
    """Eight names a row, few of them frequent, by the buckets that they share, and whether somebody clicked."""
    chance = torch.Generator().manual_seed(42)
    name = (names ** torch.rand(rows, FIELDS, generator=chance)).long() - 1
    taste = torch.randn(FIELDS, names, 2, generator=chance)
    level = 0.8 * torch.randn(FIELDS, names, generator=chance)
    field = torch.arange(FIELDS)
    liked = taste[field, name]
    together = (liked.sum(1).square() - liked.square().sum(1)).sum(-1) / 12
    likely = (together + level[field, name].sum(1) - 2.5).sigmoid()
    clicked = torch.rand(rows, generator=chance) < likely
    hashed = (name * 2_654_435 + 97 * field) % 7919 % BUCKETS + BUCKETS * field
    return corpora.split(hashed, clicked.float()[:, None], 3000)


@cache
def regimes(length: int = 48) -> corpora.Split:
    """Waves that at some moment become slower or faster, higher or lower, noisy in proportion; and what comes next."""
    chance = torch.Generator().manual_seed(43)

    def between(low: float, high: float, n: int = 2) -> torch.Tensor:
        return low + (high - low) * torch.rand(9000, n, generator=chance)

    later = (torch.arange(length + 1) >= between(0.2 * length, 0.9 * length, 1)).long()
    speed, height, level = (pair.gather(1, later) for pair in (between(0.15, 0.9), between(0.3, 2.5), between(-1, 1)))
    noise = 0.15 * height * torch.randn(9000, length + 1, generator=chance)
    series = level + height * (speed.cumsum(1) + between(0, 6.3, 1)).sin() + noise
    return corpora.split(series[:, None, :-1], series[:, -1:], 1000)


@cache
def signed_digits() -> corpora.Split:
    """Digits with pixels from -1 to 1."""
    x, y, test_x, test_y = corpora.digits()
    return 2 * x - 1, y, 2 * test_x - 1, test_y


@cache
def unsorted(length: int = 8, symbols: int = 16) -> corpora.Split:
    """Rows of symbols in any order, and in order."""
    x = torch.randint(symbols, (13_000, length), generator=torch.Generator().manual_seed(44))
    return corpora.split(x, x.sort(1).values, 1000)


@cache
def pendulums() -> corpora.Split:
    """How far from upright a pendulum is and how fast it falls, and its mass, which the controller is not told."""
    chance = torch.Generator().manual_seed(45)
    x = torch.randn(6000, 2, generator=chance) * torch.tensor([0.7, 0.7])
    return corpora.split(x, 0.5 + torch.rand(6000, 1, generator=chance), 500)


@cache
def clouds(points: int = 40) -> corpora.Split:
    """Clothes as sets of pixels, bright ones more often: where each is, and how bright."""
    chance = torch.Generator().manual_seed(46)

    def drawn(images: torch.Tensor) -> torch.Tensor:
        rows = images.flatten(1)
        found = torch.multinomial(rows + 1e-6, points, replacement=True, generator=chance)
        return torch.stack([found % 28 / 14 - 1, found // 28 / 14 - 1, rows.gather(1, found)], -1)

    x, y, test_x, test_y = corpora.fashion(8000)
    return drawn(x), y, drawn(test_x), test_y


# The networks.


def separable(a: int, b: int, stride: int) -> list[nn.Module]:
    """Each channel on its own, then all channels at each place (Howard et al. 2017)."""
    near = nn.Conv2d(a, a, 3, stride, 1, groups=a, bias=False)
    return [near, nn.BatchNorm2d(a), nn.ReLU6(), nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU6()]


def mobile(width: int) -> nn.Sequential:
    """A small image classifier of separable convolutions."""
    first = [nn.Conv2d(1, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU6()]
    inner = separable(width, 2 * width, 2) + separable(2 * width, 4 * width, 1) + separable(4 * width, 4 * width, 2)
    return nn.Sequential(*first, *inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))


class Gated(nn.Module):
    """A layer of a decoder: attention to what was before and a gated feed-forward, both after RMS norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(2))
        self.ask = nn.Linear(width, 3 * width, bias=False)
        self.answer = nn.Linear(width, width, bias=False)
        self.wide = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        asked = self.ask(self.norms[0](x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*asked, is_causal=True)
        x = x + self.answer(seen.transpose(1, 2).flatten(2))
        gate, value = self.wide(self.norms[1](x)).chunk(2, -1)
        return x + self.narrow(F.silu(gate) * value)


class Decoder(nn.Module):
    """Gated layers over words, with one table for the words that go in and come out."""

    def __init__(self, symbols: int, length: int, width: int, layers: int) -> None:
        super().__init__()
        self.words = nn.Parameter(0.02 * torch.randn(symbols, width))
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        self.layers = nn.Sequential(*(Gated(width, 4) for _ in range(layers)), nn.RMSNorm(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(self.words[x] + self.place) @ self.words.T


class WideAndDeep(nn.Module):
    """A number for each bucket, and a network over their vectors (Cheng et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.EmbeddingBag(FIELDS * BUCKETS, 1, mode="sum")
        self.vectors = nn.Embedding(FIELDS * BUCKETS, width)
        nn.init.zeros_(self.wide.weight)
        nn.init.normal_(self.vectors.weight, std=0.1)
        self.deep = models.mlp(FIELDS * width, 64, 32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.wide(x) + self.deep(self.vectors(x).flatten(1))


class Causal(nn.Module):
    """Weight-normalised convolutions over what was before, each looking twice as far back (Bai et al. 2018)."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.first = weight_norm(nn.Conv1d(1, width, 1))
        self.layers = nn.ModuleList(weight_norm(nn.Conv1d(width, width, 3, dilation=far)) for far in (1, 2, 4, 8))
        self.head = nn.Linear(width, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.first(x)
        for layer in self.layers:
            found = found + layer(F.pad(found, (2 * layer.dilation[0], 0))).relu()
        return self.head(found[..., -1])


class Noticer(nn.Module):
    """The noise in a row of pixels, from how much of it there is and what the picture shows."""

    def __init__(self, pixels: int, width: int) -> None:
        super().__init__()
        self.label = nn.Embedding(10, width)
        self.time = models.mlp(16, width, width, act=nn.SiLU)
        self.first = nn.Linear(pixels, width)
        inner = (nn.Sequential(nn.SiLU(), nn.Linear(width, width)) for _ in range(3))
        self.rest = nn.Sequential(*(models.Block(part) for part in inner), nn.SiLU(), nn.Linear(width, pixels))

    def forward(self, x: torch.Tensor, time: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        phases = time * 2.0 ** torch.arange(8)
        told = self.time(torch.cat([phases.sin(), phases.cos()], -1)) + self.label(label)
        return self.rest(self.first(x) + told)


class Translator(nn.Module):
    """An encoder and a decoder with attention to it, told the right answers so far (Vaswani et al. 2017)."""

    def __init__(self, symbols: int, length: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols + 1, width)
        self.places = nn.Parameter(0.1 * torch.randn(2, length, width))
        self.inner = nn.Transformer(width, 4, 1, 1, 2 * width, 0.0, batch_first=True)
        self.head = nn.Linear(width, symbols)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, x: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        before = F.pad(said[:, :-1], (1, 0), value=self.head.out_features)
        asked, known = (self.embed(part) + place for part, place in zip((x, before), self.places, strict=True))
        return self.head(self.inner(asked, known, tgt_mask=self.mask, tgt_is_causal=True))


class Cloud(nn.Module):
    """A network of each point with batch norm, the largest of all points, and a classifier (Qi et al. 2017)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(nn.Linear(a, b) for a, b in ((3, width), (width, width), (width, 2 * width)))
        self.norms = nn.ModuleList(nn.BatchNorm1d(b) for b in (width, width, 2 * width))
        self.head = nn.Sequential(nn.Dropout(0.2), models.mlp(2 * width, width, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = x.flatten(0, 1)
        for layer, norm in zip(self.each, self.norms, strict=True):
            found = norm(layer(found)).relu()
        return self.head(found.view(len(x), -1, found.shape[-1]).amax(1))


# What they minimise.


def mixed(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy on means of two images in training (Zhang et al. 2018), on the images themselves in the test."""
    x, y = batch
    if not model.training:
        return losses.classify(model, batch)
    part, other = torch.distributions.Beta(0.4, 0.4).sample(), torch.randperm(len(x))
    said = model(part * x + (1 - part) * x[other])
    return part * F.cross_entropy(said, y) + (1 - part) * F.cross_entropy(said, y[other])


def pinball(model: nn.Module, batch: Any) -> torch.Tensor:
    """How far off three quantiles are: each is right where too much costs as much as too little."""
    off, share = batch[1] - model(batch[0]), torch.tensor(QUANTILES)
    return torch.maximum(share * off, (share - 1) * off).mean()


def noticed(model: nn.Module, batch: Any) -> torch.Tensor:
    """How far the noise is from what the network takes for it (Ho et al. 2020); the test has the same noise always."""
    x, y = batch
    chance = None if model.training else torch.Generator().manual_seed(48)
    angle = torch.pi / 2 * torch.rand(len(x), 1, generator=chance)
    noise = torch.randn(x.shape, generator=chance)
    return F.mse_loss(model(angle.cos() * x + angle.sin() * noise, angle, y), noise)


def told(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy of each symbol of the answer, the ones before it known."""
    return F.cross_entropy(model(*batch).flatten(0, 1), batch[1].flatten())


def fallen(model: nn.Module, batch: Any) -> torch.Tensor:
    """How far from upright and how fast the pendulum is, and what holding it costs, through its equations of motion."""
    (angle, speed), mass = batch[0].split(1, 1), batch[1]
    cost = torch.zeros(())
    for _ in range(MOMENTS):
        push = 3 * model(torch.cat([angle.sin(), angle.cos(), speed], 1)).tanh()
        speed = speed + TICK * (5 * angle.sin() + 3 * push / mass)
        angle = angle + TICK * speed
        cost = cost + (1 - angle.cos() + 0.05 * speed.square() + 0.005 * push.square()).mean()
    return cost / MOMENTS


def last(task: Callable[..., Any]) -> dict[str, Any]:
    """The tasks, made by the class that is given."""
    return {
        "mobile_mixed": task(partial(mobile, 8), partial(corpora.fashion, 12_000), mixed, 400, 32, MATRICES),
        "gated_words": task(partial(Decoder, KNOWN, 20, 40, 2), words, losses.next_character, 300, 12),
        "clicks": task(partial(WideAndDeep, 8), clicks, fresh.yes_or_no, 1000, 64),
        "regimes": task(partial(Causal, 16, len(QUANTILES)), regimes, pinball, 500, 24, MATRICES),
        "digits_noise": task(partial(Noticer, 64, 64), signed_digits, noticed, 700, 32),
        "sorting": task(partial(Translator, 16, 8, 32), unsorted, told, 300, 16),
        "pendulum": task(partial(models.mlp, 3, 32, 32, 1, act=nn.Tanh), pendulums, fallen, 250, 32),
        "clouds": task(partial(Cloud, 32), clouds, losses.classify, 400, 24),
    }
