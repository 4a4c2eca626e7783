"""A small task with everything that random numbers touch: shuffling, dropout, noise drawn in the loss. Run as a script
it trains in the folder of its first argument, slowly enough to be killed."""

import sys
import time

import torch
from torch.utils.data import DataLoader

import rheostat as rh


def task(*, pause=0.0, on_batch=lambda: None, **options):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    data = torch.randn(7 * 5, 4)

    def loss(model, batch):
        on_batch()
        time.sleep(pause)
        return (model(batch + 0.1 * torch.randn_like(batch)) - 1).pow(2).mean()

    return rh.Task(
        **{
            "model": model,
            "optimizer": torch.optim.AdamW(model.parameters(), lr=0.01),
            "batches": DataLoader(data, batch_size=5, shuffle=True),
            "loss": loss,
            "evaluate": lambda model: {"error": model(data).pow(2).mean().item()},
            "epochs": 4,
            "name": "small",
            **options,
        }
    )


def outcome(folder):
    """Final weights, and the ledger without its times: what must be the same bit for bit."""
    from rheostat.training.checkpoint import read

    weights = {name: value.tolist() for name, value in read(folder / "state.pt")["model"].items()}
    rows = [{k: v for k, v in row.items() if k != "time"} for row in rh.Ledger.read(folder / "ledger.jsonl")]
    return weights, rows


if __name__ == "__main__":
    torch.set_num_threads(1)
    rh.train(task(pause=0.03, accumulate=2), out=sys.argv[1], save_every=3, progress=False)
