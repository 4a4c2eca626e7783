"""The tasks: each gives, for a seed and an optimizer, all that a training needs, and data that finders never see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import corpora
import fresh
import last
import losses
import models
import networks
import pretrained
import sets
import torch
from torch import nn

OPTIMIZERS = ("sgd", "adamw", "muon")
BASES = {"sgd": 0.1, "adamw": 1e-3, "muon": 0.02}


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
    anew: Callable[[torch.Tensor, torch.Generator], torch.Tensor] = lambda x, chance: x  # what each epoch makes of them

    def training(self, optimizer: str, seed: int) -> Training:
        """Fresh weights and an order of the batches, both from the seed."""
        x, y, test_x, test_y = self.data()
        torch.manual_seed(seed)
        model = self.model()

        def batches(epoch: int) -> list[Any]:
            mixed = torch.Generator().manual_seed(1000 * seed + epoch)
            order = torch.randperm(len(x), generator=mixed)[: len(x) - len(x) % self.batch]
            return [[self.anew(x[i], mixed), y[i]] for i in order.split(self.batch)]

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


MATRICES = ("sgd", "adamw")  # where there are no matrices for Muon
STUBBORN = ("adamw", "muon")  # SGD learns nothing at any learning rate
ON = {  # the constants of the finders are chosen on these
    "digits_mlp": Task(partial(models.mlp, 64, 128, 128, 10), corpora.digits, losses.classify, 400, 32),
    "digits_cnn": Task(partial(models.cnn, 8, 16, norm=True), sets.images, losses.classify, 400, 32),
    "autoencoder": Task(partial(models.mlp, 64, 96, 12, 96, 64), sets.themselves, losses.squared, 600, 32),
    "cancer_mlp": Task(partial(models.mlp, 30, 64, 64, 2), corpora.cancer, losses.smoothed, 400, 32),
    "char_transformer": Task(
        pretrained.character_model, partial(sets.text, corpora.characters), losses.next_character, 400, 16
    ),
    "char_finetune": Task(
        pretrained.trained_character_model, partial(sets.text, corpora.manual), losses.next_character, 400, 16
    ),
    "digits_lstm": Task(networks.row_by_row, sets.lines_of_pixels, losses.classify, 500, 32, MATRICES),
    "digits_sigmoid": Task(
        partial(models.mlp, 64, 96, 96, 96, 10, act=nn.Sigmoid), corpora.digits, losses.classify, 600, 32, STUBBORN
    ),
    "digits_plain": Task(partial(models.mlp, 64, *[48] * 8, 10), corpora.digits, losses.classify, 600, 32, STUBBORN),
    "digits_doubtful": Task(partial(models.mlp, 64, 256, 10), sets.doubtful, losses.classify, 1200, 32),
    "digits_views": Task(partial(models.mlp, 64, 96, 24), sets.views, losses.contrast, 400, 64),
    "fashion_few": Task(partial(models.cnn, 14, 16, norm=True), sets.few_clothes, losses.classify, 960, 32, MATRICES),
    "fashion_moved": Task(
        partial(models.cnn, 14, 16, norm=True), sets.few_clothes, losses.classify, 960, 32, MATRICES, sets.moved
    ),
    "fashion_patches": Task(networks.large_patches, corpora.fashion, losses.classify, 600, 32),
    "fashion_linear": Task(partial(models.mlp, 784, 10), sets.rows, losses.classify, 500, 32, MATRICES),
    "fashion_turned": Task(pretrained.trained_image_model, sets.turned, losses.classify, 300, 32, MATRICES),
    "manual_ngram": Task(networks.of_eight, sets.eights, losses.classify, 800, 64),
    "picture": Task(partial(models.mlp, 64, 64, 64, 64, 1), sets.picture, losses.squared, 800, 256),
    "word_pairs": Task(networks.factors, sets.word_pairs, losses.squared, 1000, 256, MATRICES),
    "wine_mlp": Task(partial(models.mlp, 13, 32, 32, 3), corpora.wine, losses.smoothed, 200, 16),
}
UNSEEN = {  # and reported on these
    "fashion_cnn": Task(partial(models.cnn, 28, 8, norm=False), corpora.fashion, losses.classify, 600, 32),
    "teacher": Task(partial(models.mlp, 16, 64, 64, 1), partial(sets.taught, 32, 2), losses.squared, 1000, 64),
    "char_gru": Task(
        networks.recurrent, partial(sets.text, corpora.characters), losses.next_character, 400, 16, MATRICES
    ),
    "digits_vit": Task(networks.vit, sets.images, losses.classify, 500, 32),
    "minilm": Task(partial(models.Encoder, 6), sets.encoded, losses.classify, 400, 8, MATRICES),
    "long_mlp": Task(
        partial(models.mlp, 784, 96, 96, 96, 10, act=nn.Tanh), sets.flat, losses.classify, 5000, 64, MATRICES
    ),
}
LATER = {  # these came when everything was settled for the first time
    "diabetes_mlp": Task(partial(models.mlp, 10, 64, 64, 1), corpora.diabetes, losses.squared, 300, 16),
    "fashion_resnet": Task(partial(models.resnet, 16, 2), corpora.fashion, losses.classify, 500, 64, MATRICES),
    "digits_vae": Task(partial(models.Variational, 64, 128, 8), sets.themselves, losses.likelihood, 800, 64),
    "deep_norm": Task(partial(models.deep, 784, 64, 6), sets.rows, losses.classify, 600, 32),
    "denoiser": Task(partial(models.Denoiser, 8), sets.blurred, losses.squared, 400, 16, MATRICES),
    "line_bag": Task(partial(models.Bag, 30_522, 32, 6), corpora.lines, losses.classify, 1000, 32, MATRICES),
}
FRESH = fresh.fresh(Task)  # by somebody who did not know how the finder works
LAST = last.last(Task)  # the same once more
TASKS = ON | UNSEEN | LATER | FRESH | LAST
SETS = {"on": ON, "unseen": UNSEEN, "later": LATER, "fresh": FRESH, "last": LAST, "all": TASKS}


def pairs(names: list[str] | None = None) -> list[tuple[str, str]]:
    """All pairs of task and optimizer, or those of some tasks."""
    return [(name, optimizer) for name in names or TASKS for optimizer in TASKS[name].optimizers]
