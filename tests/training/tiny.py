"""A task that takes a moment, with dropout, shuffling and random noise on every batch: hard to resume exactly."""

import torch
from torch import nn

import rheostat as rh


class Noisy(torch.utils.data.Dataset):
    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(60, 4, generator=generator)
        self.y = (self.x.sum(1) > 0).long()

    def __len__(self):
        return 60

    def __getitem__(self, i):
        return self.x[i] + 0.1 * torch.randn(4), self.y[i]


def task(epochs=4, accumulate=2, schedule="warmup('10%') >> cosine(end=0.1)"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 2))
    data = Noisy()
    return rh.Task(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=0.01),
        batches=torch.utils.data.DataLoader(data, batch_size=8, shuffle=True),
        loss=lambda model, batch: nn.functional.cross_entropy(model(batch[0]), batch[1]),
        evaluate=lambda model: {"accuracy": (model(data.x).argmax(1) == data.y).float().mean().item()},
        schedule=schedule,
        epochs=epochs,
        accumulate=accumulate,
        name="tiny",
    )


def other():
    return task(epochs=2)


def wrong():
    return 3
