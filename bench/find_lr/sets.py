"""What the tasks learn from, made of the corpora: (x, y) to train on, and (x, y) that no finder ever sees."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import corpora
import models
import torch
from torch import nn

CONTEXT = 32
WORDS = 600


def images() -> corpora.Split:
    """Digits as 1 × 8 × 8."""
    x, y, test_x, test_y = corpora.digits()
    return x.view(-1, 1, 8, 8), y, test_x.view(-1, 1, 8, 8), test_y


def flat() -> corpora.Split:
    """All 60,000 images of Fashion-MNIST as rows of 784 numbers."""
    x, y, test_x, test_y = corpora.fashion(60_000)
    return x.flatten(1), y, test_x.flatten(1), test_y


def themselves() -> corpora.Split:
    """Digits to be reproduced."""
    x, _, test_x, _ = corpora.digits()
    return x, x, test_x, test_x


@cache
def blurred() -> corpora.Split:
    """Fashion-MNIST at half its size with noise, and without."""
    x, _, test_x, _ = corpora.fashion()
    noise = torch.Generator().manual_seed(5)
    x, test_x = (nn.functional.avg_pool2d(part, 2) for part in (x, test_x))
    return tuple(made for part in (x, test_x) for made in (part + 0.4 * torch.randn(part.shape, generator=noise), part))


def rows() -> corpora.Split:
    """12,000 images of Fashion-MNIST as rows."""
    x, y, test_x, test_y = corpora.fashion()
    return x.flatten(1), y, test_x.flatten(1), test_y


@cache
def taught(width: int, depth: int, n: int = 20_000) -> corpora.Split:
    """Numbers, and what a random network makes of them."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        teacher = models.mlp(16, *[width] * depth, 1, act=nn.Tanh)
        with torch.no_grad():
            for layer in teacher:
                if isinstance(layer, nn.Linear):
                    layer.weight.mul_(3)
            x = torch.randn(n, 16)
            y = teacher(x)
    return corpora.split(x, (y - y.mean()) / y.std(), 1000)


@cache
def text(of: Callable[[], Any]) -> corpora.Split:
    """Windows of characters, and what follows each."""
    mixed = torch.Generator().manual_seed(3)

    def windows(part: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = part[torch.randint(len(part) - CONTEXT - 1, (n, 1), generator=mixed) + torch.arange(CONTEXT + 1)]
        return found[:, :-1], found[:, 1:]

    train, test, *_ = of()
    return (*windows(train, 16_000), *windows(test, 500))


@cache
def encoded() -> corpora.Split:
    """Lines of plays below the last layer of the text encoder."""
    x, y, test_x, test_y = corpora.lines()
    x, y = x[:3000], y[:3000]
    return models.below_the_last_layer(x), y, models.below_the_last_layer(test_x), test_y


@cache
def lines_of_pixels() -> corpora.Split:
    """Digits as eight rows of eight."""
    x, y, test_x, test_y = corpora.digits()
    return x.view(-1, 8, 8), y, test_x.view(-1, 8, 8), test_y


@cache
def doubtful() -> corpora.Split:
    """Digits of which three in ten have a label by chance, the unseen ones too."""
    x, y, test_x, test_y = corpora.digits()
    chance = torch.Generator().manual_seed(7)

    def mistaken(labels: torch.Tensor) -> torch.Tensor:
        others = torch.randint(10, labels.shape, generator=chance)
        return torch.where(torch.rand(labels.shape, generator=chance) < 0.3, others, labels)

    return x, mistaken(y), test_x, mistaken(test_y)


@cache
def views() -> corpora.Split:
    """Each digit twice, with other noise."""
    x, _, test_x, _ = corpora.digits()
    noise = torch.Generator().manual_seed(8)

    def seen(part: torch.Tensor) -> torch.Tensor:
        return part + 0.25 * torch.randn(part.shape, generator=noise)

    return seen(x), seen(x), seen(test_x), seen(test_x)


@cache
def turned() -> corpora.Split:
    """3000 images of Fashion-MNIST, turned by a quarter."""
    x, y, test_x, test_y = corpora.fashion()
    return x[:3000].transpose(2, 3).contiguous(), y[:3000], test_x.transpose(2, 3).contiguous(), test_y


@cache
def few_clothes() -> corpora.Split:
    """1024 images of Fashion-MNIST at half their size: too few for what is learned to hold for others."""
    x, y, test_x, test_y = corpora.fashion()
    return nn.functional.avg_pool2d(x[:1024], 2), y[:1024], nn.functional.avg_pool2d(test_x, 2), test_y


def moved(x: torch.Tensor, chance: torch.Generator) -> torch.Tensor:
    """Images moved by up to two pixels, and every other one flipped."""
    x = torch.where(torch.rand(len(x), 1, 1, 1, generator=chance) < 0.5, x.flip(-1), x)
    across, down = torch.randint(-2, 3, (2,), generator=chance).tolist()
    return x.roll((down, across), (-2, -1))


@cache
def eights() -> corpora.Split:
    """Eight characters of Python's manual, and the one after them."""
    mixed = torch.Generator().manual_seed(9)

    def places(part: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        found = part[torch.randint(len(part) - 9, (n, 1), generator=mixed) + torch.arange(9)]
        return found[:, :-1], found[:, -1]

    train, test = corpora.manual()
    return (*places(train, 30_000), *places(test, 3000))


@cache
def picture() -> corpora.Split:
    """The pixels of a mosaic of clothes: waves of where each is, and how bright it is."""
    images = corpora.fashion()[0][:16, 0]
    mosaic = images.view(4, 4, 28, 28).transpose(1, 2).reshape(112, 112)
    places = torch.cartesian_prod(torch.arange(112.0), torch.arange(112.0)) / 112
    phases = 2 * torch.pi * places @ (4 * torch.randn(2, 32, generator=torch.Generator().manual_seed(10)))
    return corpora.split(torch.cat([phases.sin(), phases.cos()], 1), mosaic.reshape(-1, 1), 2000)


@cache
def word_pairs() -> corpora.Split:
    """Pairs of frequent words of the plays, and the logarithm of how often they stand near each other."""
    words = re.findall(r"[a-z']+", "\n".join(corpora.plays()).lower())
    known = [word for word, _ in Counter(words).most_common(WORDS)]
    number = {word: i for i, word in enumerate(known)}
    line = torch.tensor([number.get(word, -1) for word in words])
    pairs = []
    for apart in range(1, 5):
        a, b = line[:-apart], line[apart:]
        both = (a >= 0) & (b >= 0)
        pairs.append(a[both] * WORDS + b[both])
    met = torch.bincount(torch.cat(pairs), minlength=WORDS * WORDS)
    often = met.nonzero()[:, 0]
    return corpora.split(torch.stack([often // WORDS, often % WORDS], 1), met[often].float().log()[:, None], 10_000)
