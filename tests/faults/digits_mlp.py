"""What the campaigns train: scikit-learn's digits, with shuffling, dropout, noise and accumulation, about 1 MB of state."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import rheostat as rh


def task():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images, dtype=torch.float32) / 16, torch.tensor(labels)
    model = nn.Sequential(
        nn.Linear(64, 256),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Linear(256, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )

    def loss(model, batch):
        noisy = batch[0] + 0.05 * torch.randn_like(batch[0])
        return F.cross_entropy(model(noisy), batch[1])

    return rh.Task(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05),
        batches=DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True),
        loss=loss,
        evaluate=lambda model: {"accuracy": (model(x).argmax(1) == y).float().mean().item()},
        schedule="warmup('10%') >> cosine(end=0.1)",
        epochs=4,
        accumulate=2,
        name="digits-mlp",
    )
