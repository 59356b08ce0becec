"""Linux's seccomp: system calls that a process and its children can make no more, without any right.

https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import os
import struct

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
# The numbers of the second set of calls on x86-64 (x32) begin here.
_X32 = 0x4000_0000

# Of each machine its number in the kernel's audit, and those of the calls that are refused:
# - memory that no limit counts: memfd_create, memfd_secret, shmget;
# - keys, which all of a machine's processes may share: add_key, request_key, keyctl;
# - what no script needs, and where kernels have been broken before: io_uring's, bpf, userfaultfd,
#   perf_event_open, process_vm_readv and process_vm_writev, ptrace, unshare, setns, and mounts.
_MACHINES = {
    "x86_64": (
        0xC000_003E,
        (
            *(319, 447, 29),
            *(248, 249, 250),
            *(425, 426, 427, 321, 323, 298, 310, 311, 101, 272, 308),
            *(165, 166, 155, 428, 429, 430, 431, 432, 442),
        ),
    ),
    "aarch64": (
        0xC000_00B7,
        (
            *(279, 447, 194),
            *(217, 218, 219),
            *(425, 426, 427, 280, 282, 241, 270, 271, 117, 97, 268),
            *(40, 39, 41, 428, 429, 430, 431, 432, 442),
        ),
    ),
}

# The numbers of socket and mmap.
_SOCKET = {"x86_64": 41, "aarch64": 198}
_MMAP = {"x86_64": 9, "aarch64": 222}
_INTERNET, _INTERNET_6 = 2, 10
_STREAM, _KIND = 1, 0xF
_TCP = 6
# Of mmap's flags the kind of mapping, and that no file is behind it.
_MAP_KIND, _MAP_PRIVATE, _MAP_ANONYMOUS = 0xF, 0x2, 0x20

Step = tuple[int, int | str, int | str, int]

_libc = ctypes.CDLL(None, use_errno=True)


def restrict(*, tcp_only: bool, private_memory: bool = False) -> bool:
    """Refuse this process and its children the calls above with EPERM, for good.

    With `tcp_only`, sockets other than TCP's are refused too, except pairs of them: the machine's own sockets
    have names among its files, and Landlock knows TCP only. With `private_memory`, for processes whose
    address space has a wide limit only, memory without a file cannot be shared: nothing else counts it.
    Returns whether the kernel could do so. `forbid_new_privileges` must come first.
    """
    machine = os.uname().machine
    if machine not in _MACHINES:
        return False
    architecture, refused = _MACHINES[machine]
    program = _program(
        architecture,
        refused,
        socket=_SOCKET[machine] if tcp_only else None,
        mmap=_MMAP[machine] if private_memory else None,
    )
    code = ctypes.create_string_buffer(program, len(program))
    filtering = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    result = _libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), filtering, 0, 0)
    return bool(result == 0)


def _program(architecture: int, refused: tuple[int, ...], *, socket: int | None, mmap: int | None) -> bytes:
    """The filter: calls of another architecture than this Python's are refused all.

    A step is an operation, how many steps to skip when its test is true and when it is not, or what to do
    then, and what to compare with.
    """
    steps: list[Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 0, "refuse", architecture),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, "refuse", 0, _X32),
        *((_EQUAL, "refuse", 0, number) for number in refused),
    ]
    if mmap is not None:
        steps += [
            (_EQUAL, 0, 6, mmap),
            (_LOAD, 0, 0, _ARGUMENTS + 24),
            (_AND, 0, 0, _MAP_ANONYMOUS),
            (_EQUAL, "allow", 0, 0),
            (_LOAD, 0, 0, _ARGUMENTS + 24),
            (_AND, 0, 0, _MAP_KIND),
            (_EQUAL, "allow", "refuse", _MAP_PRIVATE),
        ]
    if socket is not None:
        steps += [
            (_EQUAL, 0, "allow", socket),
            (_LOAD, 0, 0, _ARGUMENTS),
            (_EQUAL, 1, 0, _INTERNET),
            (_EQUAL, 0, "refuse", _INTERNET_6),
            (_LOAD, 0, 0, _ARGUMENTS + 8),
            (_AND, 0, 0, _KIND),
            (_EQUAL, 0, "refuse", _STREAM),
            (_LOAD, 0, 0, _ARGUMENTS + 16),
            (_EQUAL, "allow", 0, 0),
            (_EQUAL, "allow", "refuse", _TCP),
        ]
    ends = {"allow": len(steps), "refuse": len(steps) + 1}
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE | errno.EPERM)]
    return b"".join(
        struct.pack("HBBI", code, *(ends[to] - place - 1 if isinstance(to, str) else to for to in jumps), k)
        for place, (code, *jumps, k) in enumerate(steps)
    )
