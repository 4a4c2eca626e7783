"""The networks of the tasks, as small as they can be and still be what their name says."""

from __future__ import annotations

from itertools import pairwise

import corpora
import torch
from torch import nn


def mlp(*widths: int, act: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Linear layers with an activation between."""
    layers: list[nn.Module] = []
    for i, (a, b) in enumerate(pairwise(widths)):
        layers += [nn.Linear(a, b)] + ([act()] if i < len(widths) - 2 else [])
    return nn.Sequential(*layers)


def cnn(size: int, width: int, classes: int = 10, *, norm: bool) -> nn.Sequential:
    """Two convolutions with pooling, with or without batch norm, and a linear layer."""
    layers: list[nn.Module] = []
    for a, b in ((1, width), (width, 2 * width)):
        layers += [nn.Conv2d(a, b, 3, padding=1), *([nn.BatchNorm2d(b)] if norm else []), nn.ReLU(), nn.MaxPool2d(2)]
    inner = 2 * width * (size // 4) ** 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inner, 64), nn.ReLU(), nn.Linear(64, classes))


class Transformer(nn.Module):
    """A pre-norm transformer: of characters (causal), or of image patches."""

    def __init__(self, embed: nn.Module, length: int, width: int, layers: int, out: int, *, causal: bool) -> None:
        super().__init__()
        self.embed, self.causal = embed, causal
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, out)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length) if causal else None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = self.layers(self.embed(x) + self.place, mask=self.mask, is_causal=self.causal)
        return self.head(found if self.causal else found.mean(1))


class Patches(nn.Module):
    """Square images as 16 square patches, embedded."""

    def __init__(self, width: int, side: int = 2) -> None:
        super().__init__()
        self.side = side
        self.project = nn.Linear(side * side, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tiles = x.view(-1, 4, self.side, 4, self.side).transpose(2, 3).reshape(-1, 16, self.side**2)
        return self.project(tiles)


class Recurrent(nn.Module):
    """A GRU over characters."""

    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(self.embed(x))[0])


class Reader(nn.Module):
    """An LSTM over rows, and a classifier on where it ends."""

    def __init__(self, inputs: int, width: int, classes: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, width, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(x)[0][:, -1])


class Factors(nn.Module):
    """A matrix of words by words as the product of two narrow ones (Pennington et al. 2014)."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.vectors = nn.ModuleList(nn.Embedding(words, width) for _ in range(2))
        self.levels = nn.ModuleList(nn.Embedding(words, 1) for _ in range(2))
        for table in [*self.vectors, *self.levels]:
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = (vectors(x[:, i]) for i, vectors in enumerate(self.vectors))
        return (a * b).sum(-1, keepdim=True) + sum(level(x[:, i]) for i, level in enumerate(self.levels))


class Block(nn.Module):
    """What is inside, added to what goes in."""

    def __init__(self, *inside: nn.Module) -> None:
        super().__init__()
        self.inside = nn.Sequential(*inside)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.inside(x)


def resnet(width: int, blocks: int, classes: int = 10) -> nn.Sequential:
    """Images of 28 × 28 at a quarter of their size, residual blocks with batch norm, the mean over the image."""

    def convolution() -> list[nn.Module]:
        return [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)]

    inner = [Block(*convolution(), nn.ReLU(), *convolution()) for _ in range(blocks)]
    first = nn.Conv2d(1, width, 4, stride=4)
    return nn.Sequential(first, *inner, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def deep(inputs: int, width: int, blocks: int, classes: int = 10) -> nn.Sequential:
    """A residual network of linear layers with layer norm."""
    inner = [
        Block(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        for _ in range(blocks)
    ]
    return nn.Sequential(nn.Linear(inputs, width), *inner, nn.LayerNorm(width), nn.Linear(width, classes))


class Denoiser(nn.Module):
    """An image from a blurred one: down to half its size and up again, with what was there before beside it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.down = nn.Sequential(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.after = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        before = self.before(x)
        return self.after(torch.cat([before, self.up(self.down(before))], 1))


class Variational(nn.Module):
    """A variational autoencoder: the pixels, and of the code its mean and the logarithm of its variance."""

    def __init__(self, inputs: int, width: int, code: int) -> None:
        super().__init__()
        self.encoder = mlp(inputs, width, 2 * code)
        self.decoder = mlp(code, width, inputs)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, spread = self.encoder(x).chunk(2, -1)
        return self.decoder(mean + (spread / 2).exp() * torch.randn_like(mean)), mean, spread


class Bag(nn.Module):
    """The mean of what the word pieces of a line stand for, and a classifier on it."""

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(words, width, padding_idx=0)
        self.head = mlp(width, width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.words(x))


class Encoder(nn.Module):
    """The last layer of a pretrained text encoder with a new head, on what the layers below it give."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layer = pretrained().encoder.layer[-1]
        self.head = nn.Linear(384, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, mask = x[..., :-1], x[..., -1:]
        wide = (1 - mask[:, None, None, :, 0]) * -1e9
        found = self.layer(hidden, attention_mask=wide)
        found = found[0] if isinstance(found, tuple) else found
        return self.head((found * mask).sum(1) / mask.sum(1))


def pretrained() -> nn.Module:
    """The text encoder with its weights."""
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    config = BertConfig(**corpora.minilm_config(), attn_implementation="eager")
    model = BertModel(config, add_pooling_layer=False)
    weights = load_file(corpora.minilm() / "model.safetensors")
    model.load_state_dict({k: v for k, v in weights.items() if "pooler" not in k and "position_ids" not in k})
    return model.eval()


@torch.no_grad()
def below_the_last_layer(x: torch.Tensor) -> torch.Tensor:
    """Word pieces as the input of the last layer, with the mask as one more column: (N, length, 385)."""
    model = pretrained()
    rows = []
    for part in x.split(200):
        mask = (part > 0).long()
        hidden = model(part, attention_mask=mask, output_hidden_states=True).hidden_states[-2]
        rows.append(torch.cat([hidden, mask[..., None].to(hidden.dtype)], -1))
    return torch.cat(rows)
