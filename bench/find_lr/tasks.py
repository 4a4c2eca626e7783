"""The tasks: each gives, for a seed and an optimizer, all that a training needs, and data that finders never see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import corpora
import models
import torch
from torch import nn
from torch.nn import functional as F

OPTIMIZERS = ("sgd", "adamw", "muon")
BASES = {"sgd": 0.1, "adamw": 1e-3, "muon": 0.02}
CONTEXT = 32


@dataclass
class Training:
    """One training: the model, its optimizer, batches by epoch, the loss, and the score on unseen data."""

    model: nn.Module
    optimizer: Any
    batches: Callable[[int], list[Any]]
    loss: Callable[[nn.Module, Any], torch.Tensor]
    unseen: list[Any]
    steps: int

    @torch.no_grad()
    def score(self) -> float:
        """The mean loss on unseen data."""
        self.model.eval()
        losses = [float(self.loss(self.model, batch)) for batch in self.unseen]
        self.model.train()
        return sum(losses) / len(losses)


@dataclass(frozen=True)
class Task:
    """What is trained: a network, data, and for how many updates."""

    model: Callable[[], nn.Module]
    data: Callable[[], corpora.Split]
    loss: Callable[[nn.Module, Any], torch.Tensor]
    steps: int
    batch: int
    optimizers: tuple[str, ...] = OPTIMIZERS

    def training(self, optimizer: str, seed: int) -> Training:
        """Fresh weights and an order of the batches, both from the seed."""
        x, y, test_x, test_y = self.data()
        torch.manual_seed(seed)
        model = self.model()

        def batches(epoch: int) -> list[Any]:
            mixed = torch.Generator().manual_seed(1000 * seed + epoch)
            order = torch.randperm(len(x), generator=mixed)[: len(x) - len(x) % self.batch]
            return [[x[i], y[i]] for i in order.split(self.batch)]

        unseen = list(zip(test_x.split(250), test_y.split(250), strict=True))
        return Training(model, OPTIMIZER[optimizer](model), batches, self.loss, unseen, self.steps)


def muon(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between first and last layer, AdamW at a tenth of its learning rate for the rest."""
    matrices = [m.weight for m in model.modules() if isinstance(m, nn.Linear)]
    inner = matrices[1:-1] if len(matrices) > 2 else matrices[:1]
    inner += [p for name, p in model.named_parameters() if name.endswith("in_proj_weight")]
    mine = {id(p) for p in inner}
    rest = [p for p in model.parameters() if id(p) not in mine and p.requires_grad]
    return [torch.optim.Muon(inner, lr=BASES["muon"]), torch.optim.AdamW(rest, lr=BASES["muon"] / 10)]


OPTIMIZER: dict[str, Callable[[nn.Module], Any]] = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=BASES["sgd"], momentum=0.9),
    "adamw": lambda model: torch.optim.AdamW(model.parameters(), lr=BASES["adamw"]),
    "muon": muon,
}


def classify(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy."""
    return F.cross_entropy(model(batch[0]), batch[1])


def smoothed(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy with a tenth of the certainty taken away: a few hundred rows are soon known by heart."""
    return F.cross_entropy(model(batch[0]), batch[1], label_smoothing=0.1)


def next_character(model: nn.Module, batch: Any) -> torch.Tensor:
    """Cross-entropy of each following character."""
    return F.cross_entropy(model(batch[0]).flatten(0, 1), batch[1].flatten())


def squared(model: nn.Module, batch: Any) -> torch.Tensor:
    """Mean squared error."""
    return F.mse_loss(model(batch[0]), batch[1])


def likelihood(model: nn.Module, batch: Any) -> torch.Tensor:
    """The bound on the negative log-likelihood of a pixel, normal with a spread of 0.2: often below 0."""
    found, mean, spread = model(batch[0])
    code = 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(-1).mean() / batch[0].shape[-1]
    return (found - batch[0]).square().mean() / (2 * 0.2**2) + math.log(0.2 * math.sqrt(2 * math.pi)) + code


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


def character_model(width: int = 48) -> nn.Module:
    """A transformer of two layers over characters."""
    symbols = len(corpora.characters()[2])
    return models.Transformer(nn.Embedding(symbols, width), CONTEXT, width, 2, symbols, causal=True)


@cache
def trained_before() -> dict[str, torch.Tensor]:
    """The character model after 1500 updates on the plays."""
    with torch.random.fork_rng():
        torch.manual_seed(99)
        model = character_model()
        x, y, *_ = text(corpora.characters)
        optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
        for i in range(1500):
            rows = torch.arange(32 * i, 32 * i + 32) % len(x)
            next_character(model, (x[rows], y[rows])).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained_character_model() -> nn.Module:
    """The same, ready to be fine-tuned on other English."""
    model = character_model()
    model.load_state_dict(trained_before())
    return model


@cache
def encoded() -> corpora.Split:
    """Lines of plays below the last layer of the text encoder."""
    x, y, test_x, test_y = corpora.lines()
    x, y = x[:3000], y[:3000]
    return models.below_the_last_layer(x), y, models.below_the_last_layer(test_x), test_y


def vit() -> nn.Module:
    """A transformer over 16 patches of a digit."""
    return models.Transformer(models.Patches(48), 16, 48, 2, 10, causal=False)


def recurrent() -> nn.Module:
    """A GRU over characters."""
    return models.Recurrent(len(corpora.characters()[2]), 80)


MATRICES = ("sgd", "adamw")
ON = {  # the constants of the finders are chosen on these
    "digits_mlp": Task(partial(models.mlp, 64, 128, 128, 10), corpora.digits, classify, 400, 32),
    "digits_cnn": Task(partial(models.cnn, 8, 16, norm=True), images, classify, 400, 32),
    "autoencoder": Task(partial(models.mlp, 64, 96, 12, 96, 64), themselves, squared, 600, 32),
    "cancer_mlp": Task(partial(models.mlp, 30, 64, 64, 2), corpora.cancer, smoothed, 400, 32),
    "char_transformer": Task(character_model, partial(text, corpora.characters), next_character, 400, 16),
    "char_finetune": Task(trained_character_model, partial(text, corpora.manual), next_character, 400, 16),
}
UNSEEN = {  # and reported on these
    "fashion_cnn": Task(partial(models.cnn, 28, 8, norm=False), corpora.fashion, classify, 600, 32),
    "teacher": Task(partial(models.mlp, 16, 64, 64, 1), partial(taught, 32, 2), squared, 1000, 64),
    "char_gru": Task(recurrent, partial(text, corpora.characters), next_character, 400, 16, MATRICES),
    "digits_vit": Task(vit, images, classify, 500, 32),
    "minilm": Task(partial(models.Encoder, 6), encoded, classify, 400, 8, MATRICES),
    "long_mlp": Task(partial(models.mlp, 784, 96, 96, 96, 10, act=nn.Tanh), flat, classify, 5000, 64, MATRICES),
}
LATER = {  # these came when everything was settled; nothing was changed after their first report
    "diabetes_mlp": Task(partial(models.mlp, 10, 64, 64, 1), corpora.diabetes, squared, 300, 16),
    "fashion_resnet": Task(partial(models.resnet, 16, 2), corpora.fashion, classify, 500, 64, MATRICES),
    "digits_vae": Task(partial(models.Variational, 64, 128, 8), themselves, likelihood, 800, 64),
    "deep_norm": Task(partial(models.deep, 784, 64, 6), rows, classify, 600, 32),
    "denoiser": Task(partial(models.Denoiser, 8), blurred, squared, 400, 16, MATRICES),
    "line_bag": Task(partial(models.Bag, 30_522, 32, 6), corpora.lines, classify, 1000, 32, MATRICES),
}
TASKS = ON | UNSEEN | LATER


def pairs(names: list[str] | None = None) -> list[tuple[str, str]]:
    """All pairs of task and optimizer, or those of some tasks."""
    return [(name, optimizer) for name in names or TASKS for optimizer in TASKS[name].optimizers]
