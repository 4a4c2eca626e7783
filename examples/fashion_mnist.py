"""A CNN on Fashion-MNIST: `rheostat train examples/fashion_mnist.py`, a few minutes on a CPU.

The data are four files of the IDX format. Debian and Ubuntu have them as a package:

    apt-get install dataset-fashion-mnist

Elsewhere, put the four .gz files into a folder and name it in the environment variable FASHION_MNIST.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import rheostat as rh

FOLDER = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))


def read(name: str) -> torch.Tensor:
    """One IDX file: a magic number whose last byte is the number of dimensions, the dimensions, the bytes."""
    path = FOLDER / name
    if not path.exists():
        raise SystemExit(
            f"Fashion-MNIST is not in {FOLDER}: {name} is missing.\n"
            "Try `apt-get install dataset-fashion-mnist`, or set FASHION_MNIST to the folder that holds the files."
        )
    data = gzip.decompress(path.read_bytes())
    dimensions = np.frombuffer(data, ">i4", count=data[3], offset=4)
    return torch.tensor(np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(dimensions))


def task() -> rh.Task:
    torch.manual_seed(0)
    x, test_x = (read(f"{part}-images-idx3-ubyte.gz").unsqueeze(1) / 255 for part in ("train", "t10k"))
    y, test_y = (read(f"{part}-labels-idx1-ubyte.gz").long() for part in ("train", "t10k"))

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 49, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )

    def loss(model: nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
        return F.cross_entropy(model(batch[0]), batch[1])

    def evaluate(model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        right = [model(part.to(device)).argmax(1).cpu() for part in test_x.split(1000)]
        return {"accuracy": (torch.cat(right) == test_y).float().mean().item()}

    return rh.Task(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01),
        batches=DataLoader(TensorDataset(x, y), batch_size=256, shuffle=True),
        loss=loss,
        evaluate=evaluate,
        schedule="warmup('5%') >> cosine(end=0.01)",
        epochs=4,
        name="fashion-mnist",
    )
