"""A training with everything that a trial could leave a trace in, and all of its state as one comparable value."""

import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import rheostat as rh


class Noisy(Dataset):
    """Draws from every random generator there is, and from one of its own."""

    def __init__(self):
        self.own = np.random.default_rng(5)
        self.x = torch.randn(40, 4, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        noise = random.random() + np.random.rand() + self.own.random() + float(torch.rand(()))
        return self.x[i] + 0.1 * noise, self.x[i].sum(0, keepdim=True)


class Net(nn.Module):
    """Batch norm, dropout, a buffer that no checkpoint holds, counters, and memory from batch to batch."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3))
        self.frozen = nn.BatchNorm1d(8).eval()
        self.head = nn.Linear(8, 1)
        self.register_buffer("mean", torch.zeros(8), persistent=False)
        self.register_buffer("late", None)
        self.calls, self.seen, self.carry = 0, [], torch.zeros(8)

    def forward(self, x):
        self.calls += 1
        self.seen.append(float(x.sum()))
        x = self.frozen(self.body(x))
        self.mean.lerp_(x.detach().mean(0), 0.1)
        self.late = x.detach().mean(0)
        self.carry = 0.5 * self.carry + 0.5 * self.late
        return self.head(x + 0.01 * self.carry)


class Training:
    """A model, optimizers and the rest; `kind` names what is special about it."""

    def __init__(self, kind="adamw"):
        random.seed(1)
        np.random.seed(2)
        torch.manual_seed(3)
        self.kind = kind
        self.model = Net()
        own = torch.Generator().manual_seed(7) if kind == "generator" else None
        self.loader = DataLoader(Noisy(), batch_size=8, shuffle=True, generator=own)
        body, head = list(self.model.body.parameters()), list(self.model.head.parameters())
        lr = torch.tensor(1e-3) if kind == "tensor" else 1e-3
        groups = [{"params": body, "lr": lr}, {"params": head, "lr": 10 * lr}]
        match kind:
            case "lbfgs":
                self.optimizers = [torch.optim.LBFGS(body + head, lr=0.1, max_iter=3, history_size=4)]
            case "two":
                self.optimizers = [torch.optim.SGD(body, lr=0.01, momentum=0.9), torch.optim.AdamW(head, lr=1e-3)]
            case "sgd":
                self.optimizers = [torch.optim.SGD(groups, lr=0.01, momentum=0.9)]
            case "tensor":
                self.optimizers = [torch.optim.AdamW(groups, lr=lr)]
            case _:
                self.optimizers = [torch.optim.AdamW(groups, lr=1e-3)]
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8, growth_interval=3) if kind == "scaler" else None
        self.schedulers = []
        if kind == "ours":
            self.schedulers = [rh.Scheduler(self.optimizers, "warmup('3 steps') >> cosine()", rh.Run(steps=30))]
        if kind == "calls":
            self.schedulers = [rh.Scheduler(self.optimizers, "linear()", rh.Run(steps=30), clock="calls")]
        if kind == "torch":
            self.schedulers = [torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizers[0], 30)]
        self.losses = []

    def loss(self, model, batch):
        return (model(batch[0]) - batch[1]).pow(2).mean()

    def options(self):
        return {"scaler": self.scaler, "also": self.schedulers if self.kind == "torch" else ()}

    def test(self, **options):
        return rh.range_test(
            self.model,
            self.optimizers,
            self.loader,
            options.pop("loss", self.loss),
            **{"min": 1e-5, "max": 10, "steps": 20} | self.options() | options,
        )

    def train(self, epochs=1):
        for _ in range(epochs):
            for batch in self.loader:
                self.step(batch)

    def step(self, batch):
        def closure():
            for optimizer in self.optimizers:
                optimizer.zero_grad()
            loss = self.loss(self.model, batch)
            (self.scaler.scale(loss) if self.scaler else loss).backward()
            self.losses.append(loss.item())
            return loss

        if self.kind == "lbfgs":
            self.optimizers[0].step(closure)
        else:
            closure()
            for optimizer in self.optimizers:
                self.scaler.step(optimizer) if self.scaler else optimizer.step()
        if self.scaler:
            self.scaler.update()
        for scheduler in self.schedulers:
            scheduler.step()

    def state(self):
        """All of it, as plain data."""
        model, optimizers = self.model, self.optimizers
        modules = list(model.modules())
        return plain(
            {
                "parameters": dict(model.named_parameters()),
                "gradients": [p.grad for p in model.parameters()],
                "requires": [p.requires_grad for p in model.parameters()],
                "buffers": [dict(m._buffers) for m in modules],
                "modes": [m.training for m in modules],
                "memory": [model.calls, model.seen, model.carry],
                "optimizers": [o.state_dict() for o in optimizers],
                "fresh": [len(o.state) for o in optimizers],
                "flags": [{n: v for n, v in vars(o).items() if isinstance(v, (bool, int))} for o in optimizers],
                "hooks": [hook.__qualname__ for o in optimizers for hook in hooks(o)],
                "scaler": self.scaler and {n: v for n, v in vars(self.scaler).items() if "_per_" not in n},
                "schedulers": [s.state_dict() for s in self.schedulers],
                "random": [random.getstate(), np.random.get_state(), torch.get_rng_state()],
                "loader": [self.loader.dataset.own.bit_generator.state, generator_state(self.loader)],
            }
        )

    def objects(self):
        """Who holds all that: the same objects afterwards."""
        groups = [group for o in self.optimizers for group in o.param_groups]
        held = [*self.model.parameters(), *self.model.buffers(), *groups, *(p for g in groups for p in g["params"])]
        held += [g["lr"] for g in groups if isinstance(g["lr"], torch.Tensor)]
        held += [v for o in self.optimizers for s in o.state.values() for v in s.values() if torch.is_tensor(v)]
        return [id(thing) for thing in held] + [
            number for o in self.optimizers for number in o._optimizer_step_pre_hooks
        ]


def hooks(optimizer):
    return [*optimizer._optimizer_step_pre_hooks.values(), *optimizer._optimizer_step_post_hooks.values()]


def generator_state(loader):
    return None if loader.generator is None else loader.generator.get_state()


def plain(value):
    """Tensors and arrays as bytes, so that == means every bit."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
