"""Which updates happened: a pair of hooks on each optimizer, and what they must not be fooled by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from rheostat.errors import SchedulerError

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.utils.hooks import RemovableHandle

    from rheostat.driver.scheduler import Scheduler


class Watch:
    """Watches one optimizer for a scheduler.

    A hook is no proof that the weights moved. Not counted are: the inner of two nested hooks (a subclass whose step
    calls its parent's fires both), an update that a fused optimizer skipped because a gradient overflowed, and a step
    with every learning rate at 0 that nobody scheduled, by which tools make an optimizer build its state.
    """

    def __init__(self, scheduler: Scheduler, optimizer: Optimizer) -> None:
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.open = self.idle = self.stepped = False
        self.look()
        self.handles: list[RemovableHandle] = [optimizer.register_load_state_dict_post_hook(self.loaded)]
        if scheduler.clock == "updates":
            self.handles.append(optimizer.register_step_pre_hook(self.before))
            self.handles.append(optimizer.register_step_post_hook(self.after))

    def look(self) -> None:
        """Remember the groups as they are now, to notice cheaply when they are replaced, added to or set to rest."""
        self.groups = self.optimizer.param_groups
        self.size = len(self.groups)
        self.first = self.groups[0] if "lr" in self.groups[0] else {"lr": 1.0}
        self.tensor = self.first["lr"] if isinstance(self.first["lr"], torch.Tensor) else None

    def before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - PyTorch's signature
        """Just before an update: whatever is due is written now."""
        lr = self.first["lr"]
        if (
            self.scheduler.due
            or optimizer.param_groups is not self.groups
            or len(self.groups) != self.size
            or (lr is not self.tensor and lr == 0)
        ):
            self.prepare(args[1] if len(args) > 1 else kwargs.get("closure"))  # args begins with the optimizer
        else:
            self.idle = False
        self.open = True

    def after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        """Just after an update: it counts if it moved the weights."""
        if self.open:
            self.open = False
            found_inf = getattr(optimizer, "found_inf", None)
            if not self.idle and (found_inf is None or float(found_inf) == 0):
                self.scheduler.counted(self)

    def prepare(self, closure: Any) -> None:
        """What is rarely needed before an update: write what step() did not, or see that this is no update at all."""
        scheduler = self.scheduler
        if self.stale():
            scheduler.regroup()
        self.idle = closure is None and scheduler.writer.moves() and self.at_rest()
        if not self.idle:
            scheduler.write()

    def stale(self) -> bool:
        """Whether groups were replaced or added since they were last looked up."""
        return self.optimizer.param_groups is not self.groups or len(self.groups) != self.size

    def at_rest(self) -> bool:
        """Whether every learning rate and every gradient is 0, so that a step moves nothing."""
        groups = self.optimizer.param_groups
        if any(float(group.get("lr", 1.0)) != 0 for group in groups):
            return False
        gradients = (p.grad for group in groups for p in group["params"])
        return not any(grad is not None and bool(grad.any()) for grad in gradients)

    def loaded(self, optimizer: Optimizer) -> None:  # noqa: ARG002
        """After optimizer.load_state_dict, which replaces every group: ours are written again."""
        self.scheduler.regroup()
        self.scheduler.rewrite()

    def close(self) -> None:
        """Let go of the optimizer."""
        for handle in self.handles:
            handle.remove()
        self.handles.clear()


def unwrapped(optimizer: Any, name: str = "optimizer") -> Optimizer:
    """The real optimizer inside a framework's wrapper (Accelerate's, Lightning's), checked."""
    seen = 0
    while not hasattr(optimizer, "_optimizer_step_pre_hooks") or not isinstance(optimizer, torch.optim.Optimizer):
        inner = getattr(optimizer, "optimizer", None)
        if inner is None or inner is optimizer or seen > 8:
            raise SchedulerError(
                f"{name}={type(optimizer).__name__}: need a torch.optim.Optimizer, or a list of them. "
                "Try torch.optim.AdamW(model.parameters())."
            )
        optimizer, seen = inner, seen + 1
    return optimizer


def watchers(optimizer: Optimizer) -> list[Watch]:
    """The watches that other schedulers have on an optimizer."""
    hooks = optimizer._optimizer_load_state_dict_post_hooks.values()
    owners = (getattr(hook, "__self__", None) for hook in hooks)
    return [owner for owner in owners if isinstance(owner, Watch)]
