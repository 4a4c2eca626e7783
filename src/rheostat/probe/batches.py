"""Batches without an end, from whatever gives batches; and putting one on a device."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import torch

from rheostat.errors import refuse

Source = Iterable[Any] | Callable[[int], Iterable[Any]]


class Batches:
    """An endless iterator: what ends is started again.

    A loader or list is iterated anew; a function of the epoch's number is called with the next; of an iterator that
    gives each batch once, the batches seen so far are gone through again.
    """

    def __init__(self, source: Source) -> None:
        given = isinstance(source, Iterable) or callable(source) or hasattr(source, "__getitem__")
        if not given or isinstance(source, (str, bytes)):
            raise refuse("batches", source, need="a DataLoader, a list, an iterator, or a function of the epoch")
        self.source = source
        self.seen: list[Any] | None = [] if isinstance(source, Iterator) else None
        self.epoch = 0
        self.size: int | None = None  # batches in an epoch, where that is said
        self.recur: bool | None = None  # whether samples of one epoch come again in the next, where that was looked at
        self.iterator: Iterator[Any] = iter(())

    @classmethod
    def of(cls, source: Source | Batches) -> Batches:
        """Of what gives batches; if it is that already, the same, so that it knows what it has seen."""
        return source if isinstance(source, cls) else cls(cast("Source", source))

    def start(self) -> None:
        """Begin at the beginning, where there is one to go back to; with what is left of an iterator, or all again."""
        self.epoch = 0
        self.iterator = self._open()
        if self.seen:
            left = list(itertools.islice(self.iterator, 1))
            self.iterator = itertools.chain(left, self.iterator) if left else iter(tuple(self.seen))

    def draw(self) -> Any:
        """The next batch."""
        try:
            return next(self.iterator)
        except StopIteration:
            self.epoch += 1
            self.iterator = self._open() if self.seen is None else iter(tuple(self.seen))
            try:
                return next(self.iterator)
            except StopIteration:
                raise refuse("batches", self.source, need="at least one batch") from None

    def following(self, most: int) -> Iterator[Any]:
        """The first batches of the next epoch, after which there are no more of this one; none of an iterator."""
        self.close()
        if self.seen is None:
            self.epoch = 1
            yield from itertools.islice(self._open(), most)

    def close(self) -> None:
        """Let go of the iterator, and with it of its workers."""
        self.iterator = iter(())

    def _open(self) -> Iterator[Any]:
        source: Any = self.source
        found: Any = source(self.epoch) if callable(source) and not hasattr(source, "__iter__") else source
        try:
            iterator = iter(found)
        except TypeError:
            raise refuse("batches()", found, need="the batches of an epoch, as a list or a DataLoader") from None
        with contextlib.suppress(TypeError, NotImplementedError):  # some loaders over streams raise here
            self.size = len(found)
        return iterator if self.seen is None else self._noted(iterator, self.seen)

    @staticmethod
    def _noted(iterator: Iterator[Any], seen: list[Any]) -> Iterator[Any]:
        for batch in iterator:
            seen.append(batch)
            yield batch


def to_device(batch: Any, device: torch.device) -> Any:
    """A batch of any nesting with its tensors on the device."""
    if isinstance(batch, torch.Tensor):
        return batch if batch.device == device else batch.to(device, non_blocking=True)
    if isinstance(batch, Mapping):
        if not isinstance(batch, dict) and hasattr(batch, "to"):  # a class of its own, such as a tokenizer's
            return batch.to(device)
        return {name: to_device(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(to_device(value, device) for value in batch))
    if type(batch) in (list, tuple):
        return type(batch)(to_device(value, device) for value in batch)
    return batch


def device_of(model: torch.nn.Module) -> torch.device:
    """Where the first parameter of a model lies."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device
