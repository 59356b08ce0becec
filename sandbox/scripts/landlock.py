"""Linux's Landlock: a process gives up files and network for itself and its children, without any right.

https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH, _NET_PORT = 1, 2

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
# All rights of the first version: those above, and making and removing each kind of entry.
_FIRST = (1 << 13) - 1
_REFER = 1 << 13
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1

_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def version() -> int:
    """The version of Landlock that this kernel offers here; 0 when it offers none."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(*, readable: Iterable[Path], writable: Iterable[Path], port: int) -> None:
    """Leave this process these files and directories only, and connections to `port` (0: none).

    What the kernel's version does not know stays as it was: network before the fourth, signals and abstract
    sockets of others before the sixth. `forbid_new_privileges` must come first. Errors: OSError.
    """
    known = version()
    files = _FIRST
    for since, rights in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE)):
        files |= rights if known >= since else 0
    network = _BIND_TCP | _CONNECT_TCP if known >= 4 else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if known >= 6 else 0
    attributes = struct.pack("QQQ", files, network, scoped)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _call(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for place in readable:
            _allow(ruleset, place, files & _READING)
        for place in writable:
            _allow(
                ruleset, place, files & ~_EXECUTE if place.is_dir() else files & (_READ_FILE | _WRITE_FILE)
            )
        if network and port:
            rule = struct.pack("QQ", _CONNECT_TCP, port)
            _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_NET_PORT), rule, ctypes.c_uint32(0))
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, place: Path, rights: int) -> None:
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        if not place.is_dir():
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        _call(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
