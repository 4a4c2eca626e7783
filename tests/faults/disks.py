"""Disks that fail: what a save asks of the operating system, counted, recorded, and refused at a chosen moment."""

import builtins
import errno
import io
import os

REAL_OPEN, REAL_REPLACE, REAL_FSYNC, REAL_OS_OPEN = io.open, os.replace, os.fsync, os.open


class Disk:
    """Stands between a save and the system. `fail` is the number of the operation that fails, `code` how; each operation is
    noted in `asked` as (what, its paths or bytes)."""

    def __init__(self, fail=None, code=errno.ENOSPC, error=None):
        self.fail, self.error, self.asked, self.paths = fail, error or OSError(code, os.strerror(code)), [], {}

    def ask(self, what, *details):
        self.asked.append((what, *details))
        if len(self.asked) - 1 == self.fail:
            raise self.error

    def patch(self, monkeypatch):
        monkeypatch.setattr(io, "open", self.open)
        monkeypatch.setattr(os, "replace", self.replace)
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "open", self.os_open)
        return self

    def open(self, path, mode="r", *args, **kwargs):
        if "w" not in mode:
            return REAL_OPEN(path, mode, *args, **kwargs)
        self.ask("open", os.fspath(path))
        return File(self, REAL_OPEN(path, mode, *args, **kwargs), os.fspath(path))

    def replace(self, source, target):
        self.ask("rename", os.fspath(source), os.fspath(target))
        REAL_REPLACE(source, target)

    def fsync(self, handle):
        self.ask("fsync", self.paths.get(handle, "?"))
        REAL_FSYNC(handle)

    def os_open(self, path, flags, *args, **kwargs):
        self.ask("open folder", os.fspath(path))
        handle = REAL_OS_OPEN(path, flags, *args, **kwargs)
        self.paths[handle] = os.fspath(path)
        return handle


class File:
    """A file that asks before it writes."""

    def __init__(self, disk, file, path):
        self.disk, self.file, self.path = disk, file, path
        disk.paths[file.fileno()] = path

    def write(self, data):
        self.disk.ask("write", self.path, self.file.tell(), bytes(data))
        return self.file.write(data)

    def flush(self):
        self.disk.ask("flush", self.path)
        self.file.flush()

    def seek(self, *where):
        return self.file.seek(*where)

    def fileno(self):
        return self.file.fileno()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()


assert builtins.open is io.open
