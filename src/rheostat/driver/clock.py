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

    __slots__ = ("handles", "idle", "open", "optimizer", "scheduler", "stepped")

    def __init__(self, scheduler: Scheduler, optimizer: Optimizer) -> None:
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.open = self.idle = self.stepped = False
        self.handles: list[RemovableHandle] = [optimizer.register_load_state_dict_post_hook(self.loaded)]
        if scheduler.clock == "updates":
            self.handles.append(optimizer.register_step_pre_hook(self.before))
            self.handles.append(optimizer.register_step_post_hook(self.after))

    # A compiled training step must not trace these: they change Python state at every update.
    @torch.compiler.disable
    def before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - PyTorch's signature
        """Just before an update: whatever is due is written now."""
        scheduler = self.scheduler
        self.open = True
        self.idle = not scheduler.writer.first.first_untouched() and _at_rest(optimizer)
        if not self.idle and (scheduler.due or scheduler.writer.stale()):
            scheduler.write()

    @torch.compiler.disable
    def after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002
        """Just after an update: it counts if it moved the weights."""
        if not self.open:
            return
        self.open = False
        found = getattr(optimizer, "found_inf", None)
        if self.idle or (found is not None and float(found) != 0):
            return
        self.scheduler.counted(self)

    def loaded(self, optimizer: Optimizer) -> None:  # noqa: ARG002
        """After optimizer.load_state_dict, which replaces every group: ours are written again."""
        self.scheduler.rewrite()

    def close(self) -> None:
        """Let go of the optimizer."""
        for handle in self.handles:
            handle.remove()
        self.handles.clear()


def _at_rest(optimizer: Optimizer) -> bool:
    """Whether somebody has set every learning rate to 0, so that a step moves nothing."""
    return all(float(group.get("lr", 1.0)) == 0 for group in optimizer.param_groups)


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
