"""Confines the process to the files that it was given, where the kernel has Landlock (Linux 5.13, landlock(7)).

Afterwards it opens no other file, makes no TCP connection (6.7), and reaches no other process by signals or abstract
sockets (6.12). What is open stays open. Threads that are started later are confined too.
"""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from pathlib import Path
from typing import Iterable

from packing.tree import is_folder

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every machine
_GIVE_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38

_WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_FILE, _TRUNCATE = (1 << bit for bit in (1, 2, 3, 5, 8, 14))
_READ = _READ_FILE | _READ_DIR  # programs are not started, libraries need no more
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE
_OF_A_FILE = _WRITE_FILE | _READ_FILE | _TRUNCATE  # the others are refused for what is no folder
# What each version of Landlock can forbid: all of the first 13 rights, and then one more each.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_RIGHTS = (1 << 16) - 1
_TCP = 0b11  # bind, connect
_SCOPED = 0b11  # abstract sockets, signals
_SINCE_TCP, _SINCE_SCOPED = 4, 6

# Where the dynamic linker and Python look, beside Python's own folders.
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def confine(read: Iterable[Path], write: Path) -> int:
    """Allow only Python, the system's libraries and these paths; return Landlock's version, 0 where it is missing."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    version: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_GIVE_VERSION))
    if version < 1:
        return 0  # an older kernel, or one that was started without it, or a container that forbids the call
    rights = _RIGHTS.get(version, _ALL_RIGHTS)
    ruleset = _Ruleset(rights, _TCP if version >= _SINCE_TCP else 0, _SCOPED if version >= _SINCE_SCOPED else 0)
    size = 24 if version >= _SINCE_SCOPED else 16 if version >= _SINCE_TCP else 8
    rules: int = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules < 0:
        return 0
    try:
        for path in {*_python(), *map(Path, _SYSTEM), *read}:
            _allow(libc, rules, path, _READ & rights)
        _allow(libc, rules, write, _WRITE & rights)
        if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, rules, ctypes.c_uint32(0)):
            return 0
    finally:
        os.close(rules)
    return version


def with_links(folder: Path) -> set[Path]:
    """Return a folder and where the links in it lead, as far as people link data sets: files, or folders of files."""
    found = {folder.resolve()}
    upper = _entries(folder)
    for entry in [*upper, *(lower for one in upper if is_folder(one) for lower in _entries(one))]:
        if entry.is_symlink():
            target = Path(os.path.realpath(entry.path))  # `resolve` raises for one that leads in a circle
            # Of many linked files, a folder each is allowed instead of a file each.
            found.add(target if target.is_dir() else target.parent)
    return found


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _allow(libc: ctypes.CDLL, rules: int, path: Path, rights: int) -> None:
    """Add a rule for a path; none for one that is not there."""
    try:
        handle = os.open(str(path), os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rule = _Rule(rights if path.is_dir() else rights & _OF_A_FILE, handle)
        libc.syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(handle)


def _python() -> set[Path]:
    """Return where Python imports from. Not `sys.path`: that of a checkout includes people's data."""
    installed = {Path(path) for name, path in sysconfig.get_paths().items() if name.endswith(("lib", "stdlib"))}
    libraries = {Path(path) for path in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if path}
    imported = {
        Path(module.__file__).parent
        for name, module in list(sys.modules.items())
        if "." not in name and getattr(module, "__path__", None) and module.__file__
    }
    # Wheels keep their libraries in a folder beside the package.
    beside = {folder.with_name(f"{name}.libs") for folder in imported for name in (folder.name, "pillow")}
    return {Path(sys.base_prefix) / "lib", *installed, *libraries, *imported, *beside}
