"""What each of two processes does: a small training, and experiments with it. Started by launch.py."""

import contextlib
import copy

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel

import rheostat as rh

WORLD, UPDATES = 2, 12
SPEC = "warmup('3 steps') >> cosine(end=0.1)"
CUTTING = f"({SPEC}) * plateau(factor=0.5, patience=0, relative=False, threshold=0.6)"
RUN = rh.Run(steps=UPDATES)

# What each rank would do by itself differs: rank 0 sees progress until update 8, rank 1 hardly any.
METRICS = [
    [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 3.0, 3.5, 1.0, 0.5],
    [1.0, 3.0, 2.0, 3.0, 4.0, 5.5, float("nan"), 6.0, 1.0, 0.5, 3.5, 3.0],
]


class Timer:
    """A clock of this process; no two run alike."""

    def __init__(self, rank):
        self.now, self.pace = 100.0 * rank, 1.0 + 0.125 * rank

    def __call__(self):
        return self.now

    def tick(self):
        self.now += self.pace


class Training:
    """A small model in DDP (or as `wrap` says), fed with other data on each rank."""

    def __init__(self, rank, spec, run=RUN, *, wrap=DistributedDataParallel, optimizer=torch.optim.AdamW, **options):
        self.rank, self.done, self.used = rank, 0, []
        torch.manual_seed(0)
        self.net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2))
        self.model = wrap(self.net)
        groups = [{"params": list(self.net[0].parameters())}, {"params": list(self.net[2].parameters()), "lr": 0.03}]
        self.optimizer = optimizer(groups, lr=0.1)
        self.scheduler = rh.Scheduler(self.optimizer, spec, run, **options)
        self.optimizer.register_step_post_hook(self.note)
        self.updating = False

    def note(self, optimizer, args, kwargs):
        if self.updating:
            self.used.append([group["lr"] for group in optimizer.param_groups])

    def backward(self, micro=0):
        generator = torch.Generator().manual_seed(1000 * self.done + 10 * micro + self.rank)
        self.model(torch.randn(8, 4, generator=generator)).square().mean().backward()

    def optimize(self):
        self.updating = True
        self.optimizer.step()
        self.updating = False
        self.optimizer.zero_grad()
        self.done += 1

    def train(self, updates, *, metric=False):
        for _ in range(updates):
            self.backward()
            self.optimize()
            self.scheduler.step(METRICS[self.rank][self.done - 1] if metric else None)
        return self

    def weights(self):
        full = [p.full_tensor() if hasattr(p, "full_tensor") else p for p in self.net.parameters()]
        return torch.cat([p.detach().flatten() for p in full]).tolist()

    def report(self):
        return {"used": self.used, "weights": self.weights(), "state": self.scheduler.state_dict()}


# Experiments: each returns what this rank saw.


def metric_differs(rank, folder):
    return Training(rank, CUTTING).train(UPDATES, metric=True).report()


def metric_alone(rank, folder):
    """reduce="none" says in so many words that each rank decides by itself."""
    training = Training(rank, "plateau(factor=0.5, patience=0)", reduce="none")
    for metric in METRICS[rank]:
        training.scheduler.report(metric)
    return training.scheduler.get_last_lr()


def accumulation(rank, folder):
    """Three batches an update, gradients exchanged with the last; scheduler.step() with every one."""
    training = Training(rank, SPEC)
    for _ in range(UPDATES):
        for micro in range(3):
            with contextlib.nullcontext() if micro == 2 else training.model.no_sync():
                training.backward(micro)
            if micro == 2:
                training.optimize()
            training.scheduler.step()
    return training.report()


def accumulation_resumed(rank, folder):
    """The same, given up in the middle of an update and resumed from the state before it."""
    training = Training(rank, SPEC)
    for update in range(UPDATES):
        if update == 5:
            with training.model.no_sync():
                training.backward()  # this update's first batch is lost, and done again
            state = training.scheduler.state_dict(), training.optimizer.state_dict(), training.net.state_dict()
            used = training.used
            training = Training(rank, SPEC)
            training.scheduler.load_state_dict(state[0])
            training.optimizer.load_state_dict(state[1])
            training.net.load_state_dict(state[2])
            training.used, training.done = used, 5
        for micro in range(3):
            with contextlib.nullcontext() if micro == 2 else training.model.no_sync():
                training.backward(micro)
            if micro == 2:
                training.optimize()
            training.scheduler.step()
    return training.report()


class App:
    """All of a training as one Stateful object."""

    def __init__(self, training):
        self.training = training

    def state_dict(self):
        model, optimizer = get_state_dict(self.training.model, self.training.optimizer)
        return {"model": model, "optimizer": optimizer, "scheduler": self.training.scheduler.state_dict()}

    def load_state_dict(self, state):
        training = self.training
        model, optimizer = state["model"], state["optimizer"]
        set_state_dict(training.model, training.optimizer, model_state_dict=model, optim_state_dict=optimizer)
        training.scheduler.load_state_dict(state["scheduler"])


def _through_dcp(rank, folder, **options):
    training = Training(rank, CUTTING, **options).train(5, metric=True)
    dcp.save({"app": App(training)}, checkpoint_id=folder)
    resumed = Training(rank, CUTTING, **options)
    dcp.load({"app": App(resumed)}, checkpoint_id=folder)
    resumed.done = 5
    resumed.train(UPDATES - 5, metric=True)
    training.train(UPDATES - 5, metric=True)
    return {"whole": training.report(), "resumed": resumed.report()}


def distributed_checkpoint(rank, folder):
    return _through_dcp(rank, folder / "ddp")


def sharded(rank, folder):
    """FSDP2: every rank holds a part of each parameter and of the optimizer's state."""

    def shard(net):
        return fully_shard(net, mesh=dist.device_mesh.init_device_mesh("cpu", (WORLD,)))

    return _through_dcp(rank, folder / "fsdp", wrap=shard)


def zero_redundancy(rank, folder):
    """The optimizer's state is dealt out over the ranks; the groups that count are those of an inner optimizer."""

    def make(groups, lr):
        return ZeroRedundancyOptimizer(groups, torch.optim.AdamW, lr=lr)

    training = Training(rank, CUTTING, optimizer=make).train(5, metric=True)
    training.optimizer.consolidate_state_dict(to=0)
    states = [training.optimizer.state_dict() if rank == 0 else None]
    dist.broadcast_object_list(states)
    resumed = Training(rank, CUTTING, optimizer=make)
    resumed.net.load_state_dict(training.net.state_dict())
    resumed.scheduler.load_state_dict(training.scheduler.state_dict())
    resumed.optimizer.load_state_dict(copy.deepcopy(states[0]))  # rank 0 has sent its own tensors
    resumed.done = 5
    resumed.train(UPDATES - 5, metric=True)
    training.train(UPDATES - 5, metric=True)
    inner = [group["lr"] for group in training.optimizer.optim.param_groups]
    return {"whole": training.report(), "resumed": resumed.report(), "inner": inner}


def wall_clock(rank, folder):
    """Every process has a clock of its own."""
    timer = Timer(rank)
    training = Training(rank, "linear()", rh.Run(time="16 s"), timer=timer)
    for _ in range(UPDATES):
        training.train(1)
        timer.tick()
    return training.report()


def together(rank, folder):
    """All experiments one after the other: starting processes is what takes long."""
    experiments = (
        metric_differs,
        metric_alone,
        accumulation,
        accumulation_resumed,
        distributed_checkpoint,
        sharded,
        zero_redundancy,
        wall_clock,
    )
    reports = {experiment.__name__: experiment(rank, folder) for experiment in experiments}
    return {**reports, "metrics": METRICS}
