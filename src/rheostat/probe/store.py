"""Where copies of tensors lie: in memory, or in one temporary file that has no name and cannot be left behind."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal

import torch

from rheostat.errors import SchedulerError

Where = Literal["auto", "memory", "disk"]
_SHARE = 0.5  # of the memory that is free: the rest is for training itself


class Store:
    """Copies of the contents of tensors, by the tensor itself.

    Args:
        tensors: what to copy; each is copied once.
        where: "memory", "disk", or "auto": memory, unless the copies would take more than half of what is free.

    Raises:
        SchedulerError: if a temporary file of that size cannot be written.
    """

    def __init__(self, tensors: Iterable[torch.Tensor], where: Where = "auto") -> None:
        own = {id(tensor): local(tensor) for tensor in tensors}
        size = sum(tensor.numel() * tensor.element_size() for tensor in own.values())
        self.copies: dict[int, torch.Tensor] = {}
        self.places: dict[int, int] = {}
        self.file: IO[bytes] | None = None
        if where == "disk" or (where == "auto" and size > _SHARE * free_memory()):
            self.file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the store; the system frees it
            self._write(own, size)
        else:
            self.copies = {name: tensor.to("cpu", copy=True) for name, tensor in own.items()}

    def put_back(self, tensor: torch.Tensor) -> None:
        """Write the copied contents into the tensor, in place."""
        target, copy = local(tensor), self._read(tensor)
        if target.shape == copy.shape and target.dtype == copy.dtype:
            # .data, because autograd and whoever counts the versions of a tensor need not notice.
            target.data.copy_(copy)
        else:  # somebody has put other contents into it
            tensor.data = copy.to(tensor.device, copy=True)

    def close(self) -> None:
        """Forget the copies."""
        self.copies.clear()
        if self.file is not None:
            self.file.close()

    def _write(self, tensors: dict[int, torch.Tensor], size: int) -> None:
        assert self.file is not None
        try:
            for name, tensor in tensors.items():
                self.places[name] = self.file.tell()
                self.file.write(_bytes(tensor.to("cpu").contiguous()))
            self.file.flush()
        except OSError as error:
            self.file.close()
            raise SchedulerError(
                f"{size / 1e9:.3g} GB of weights and optimizer state cannot be set aside in {tempfile.gettempdir()}: "
                f"{error.strerror}. Nothing was changed. Try TMPDIR with a folder that has room."
            ) from error

    def _read(self, tensor: torch.Tensor) -> torch.Tensor:
        if self.file is None:
            return self.copies[id(tensor)]
        like = self._like(tensor)
        self.file.seek(self.places[id(tensor)])
        self.file.readinto(_bytes(like))  # type: ignore[attr-defined]
        return like

    def _like(self, tensor: torch.Tensor) -> torch.Tensor:
        own = local(tensor)
        return torch.empty(own.shape, dtype=own.dtype)


def local(tensor: torch.Tensor) -> torch.Tensor:
    """The part of a tensor that lies in this process, sharing its memory."""
    with torch.no_grad():
        part = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        return part.detach()


def free_memory() -> float:
    """Bytes of memory that are free; infinite where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024.0 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return float("inf")


def _bytes(tensor: torch.Tensor) -> memoryview:
    """The memory of a contiguous tensor on the CPU."""
    return tensor.reshape(-1).view(torch.uint8).numpy().data
