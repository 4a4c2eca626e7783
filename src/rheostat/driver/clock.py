"""Which updates happened: a pair of hooks on each optimizer, and what they must not be fooled by."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch.optim.lr_scheduler import LRScheduler

from rheostat.errors import SchedulerError

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.utils.hooks import RemovableHandle

    from rheostat.driver.engine import Engine

Function = TypeVar("Function", bound=Callable[..., Any])


def uncompiled(function: Function) -> Function:
    """Keep torch.compile out of a function and all that it calls, at no cost where nothing is compiled.

    torch.compiler.disable does it with a wrapper, which would cost as much as all of ours at an update.
    """
    try:
        from torch._C._dynamo.eval_frame import _FrameAction, _FrameExecStrategy, set_code_exec_strategy
    except ImportError:  # an older PyTorch
        return torch.compiler.disable(function)  # type: ignore[no-any-return, no-untyped-call]
    set_code_exec_strategy(function.__code__, _FrameExecStrategy(_FrameAction.SKIP, _FrameAction.SKIP))
    function._torchdynamo_disable = True  # type: ignore[attr-defined]
    return function


class Watch:
    """Watches one optimizer for a scheduler.

    A hook is no proof that the weights moved. Not counted are: the inner of two nested hooks (a subclass whose step
    calls its parent's fires both), an update that a fused optimizer skipped because a gradient overflowed, and a step
    with every learning rate at 0 that nobody scheduled, by which tools make an optimizer build its state.
    """

    def __init__(self, scheduler: Engine, optimizer: Optimizer) -> None:
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.depth = 0  # step() calls of this optimizer under way, one inside the other
        self.idle = self.stepped = False
        self.begun = False  # whether an update was seen
        self.alone = scheduler.clock == "updates" and len(scheduler.optimizers) == 1
        # On the other clocks updates move nothing; they are only compared with the calls.
        self.counts = scheduler.counted if scheduler.clock == "updates" else scheduler.observed
        self.look()
        self.handles: list[RemovableHandle] = [
            optimizer.register_load_state_dict_post_hook(self.loaded),
            optimizer.register_step_pre_hook(self.before),
            optimizer.register_step_post_hook(self.after),
        ]

    def look(self) -> None:
        """Remember the groups as they are now, to notice cheaply when they are replaced, added to or set to rest."""
        self.groups = self.optimizer.param_groups
        self.first, self.size = self.groups[0], len(self.groups)
        lr = self.first.get("lr")
        self.tensor = lr if isinstance(lr, torch.Tensor) else None

    @uncompiled
    def before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Just before an update: whatever is due is written now."""
        if self.depth and self.nested():
            self.depth += 1
            return
        self.depth, self.idle = 1, False
        groups = optimizer.param_groups
        lr = groups[0].get("lr")
        if (
            self.scheduler.due
            or groups is not self.groups
            or groups[0] is not self.first
            or len(groups) != self.size
            or (lr is not self.tensor and not lr)
            or not self.begun
        ):
            self.prepare(args, kwargs)

    @uncompiled
    def after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:  # noqa: ARG002 - PyTorch's signature
        """Just after an update: it counts if it moved the weights."""
        if self.depth == 1:
            self.depth = 0
            if not self.idle and ("found_inf" not in optimizer.__dict__ or not optimizer.__dict__["found_inf"]):
                scheduler = self.scheduler
                if self.alone and scheduler._ledger is None:  # what `counted` comes to then
                    scheduler.position += 1
                    scheduler.due = True
                else:
                    self.counts(self)
        elif self.depth:
            self.depth -= 1

    def nested(self) -> bool:
        """Whether another step() of this optimizer is under way further up the stack; if not, it ended in an error."""
        hooked = sys._getframe(2)
        frame: FrameType | None = hooked.f_back
        while frame is not None:
            if frame.f_code is hooked.f_code and frame.f_locals.get("self") is self.optimizer:
                return True
            frame = frame.f_back
        return False

    def prepare(self, args: Any, kwargs: Any) -> None:
        """What is rarely needed before an update: write what step() did not, or see that this is no update at all."""
        scheduler = self.scheduler
        if not self.begun:
            self.begun = True
            scheduler.guards.forgotten(scheduler)
        if scheduler.clock != "updates":
            scheduler.look()  # a call writes the values, but a group that was just added has not been there at one
            return
        if self.stale():
            scheduler.regroup()
        closure = args[1] if len(args) > 1 else kwargs.get("closure")  # args begins with the optimizer
        self.idle = closure is None and self.at_rest(kwargs)
        if not self.idle:
            scheduler.cadence.unprompted += scheduler.due
            scheduler.write()

    def stale(self) -> bool:
        """Whether groups were replaced or added since they were last looked up."""
        groups = self.optimizer.param_groups
        return groups is not self.groups or groups[0] is not self.first or len(groups) != self.size

    def at_rest(self, kwargs: Any) -> bool:
        """Whether somebody set every learning rate and gradient to 0, so that a step builds state and moves nothing.

        Where the schedule itself is at 0, such a step looks like torch.distributed.checkpoint's: `closure=None` in
        so many words, an optimizer without state, gradients of zeros.
        """
        if self.moving():
            return False
        groups = self.optimizer.param_groups
        rates = [group.get("lr") for group in groups]
        if any(lr is None or float(lr) != 0 for lr in rates):
            return False
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        if any(bool(grad.any()) for grad in gradients):
            return False
        return self.scheduler.writer.moves(self.optimizer) or (
            "closure" in kwargs and not self.optimizer.state and bool(gradients)
        )

    def moving(self) -> bool:
        """Whether the first learning rate is known not to be 0; the device is not asked."""
        lr = self.first.get("lr")
        return bool(self.scheduler.writer.known(lr) if isinstance(lr, torch.Tensor) else lr)

    def loaded(self, optimizer: Optimizer) -> None:  # noqa: ARG002 - PyTorch's signature
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
    if isinstance(optimizer, LRScheduler):
        raise SchedulerError(
            f"{name}={type(optimizer).__name__}: need an optimizer, and this is a scheduler. Try its .optimizer, or "
            "Scheduler.from_torch(...) to take over from it."
        )
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
