"""A small CNN on scikit-learn's digits (8 × 8 pixels): `rheostat train examples/digits.py`, about a minute."""

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import rheostat as rh


def task() -> rh.Task:
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    split = train_test_split(images, labels, test_size=0.2, random_state=0, stratify=labels)
    x, test_x = (torch.tensor(part, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16 for part in split[:2])
    y, test_y = (torch.tensor(part) for part in split[2:])

    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(64 * 4, 10),
    )

    def loss(model: nn.Module, batch: list[torch.Tensor]) -> torch.Tensor:
        return F.cross_entropy(model(batch[0]), batch[1])

    def evaluate(model: nn.Module) -> dict[str, float]:
        device = next(model.parameters()).device
        right = model(test_x.to(device)).argmax(1).cpu() == test_y
        return {"accuracy": right.float().mean().item()}

    return rh.Task(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05),
        batches=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True),
        loss=loss,
        evaluate=evaluate,
        schedule="warmup('5%') >> cosine(end=0.1)",
        epochs=15,
        name="digits",
    )
