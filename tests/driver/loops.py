"""Optimizers that remember what each update used, and ways to write a training loop."""

import torch

import rheostat as rh

SPEC = "warmup('4 steps') >> cosine(end=0.1)"
RUN = rh.Run(steps=20, steps_per_epoch=5)


def recording(base):
    """A subclass of an optimizer class that notes each group's values as its step begins."""

    class Recording(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.used = []

        def step(self, closure=None):
            self.used.append([float(group["lr"]) for group in self.param_groups])
            return super().step(closure)

    return Recording


RecordingSGD = recording(torch.optim.SGD)
RecordingSGD.__qualname__ = "RecordingSGD"  # so that it can be pickled


def parameter():
    p = torch.nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    return p


def sgd(*lrs, cls=RecordingSGD, **options):
    groups = [{"params": [parameter()], "lr": lr} for lr in (lrs or (0.1,))]
    return cls(groups, lr=0.1, momentum=0.9, **options)


def planned(lr, n, spec=SPEC, run=RUN):
    return rh.parse(spec).over(run, base=lr).values(0, n).tolist()
