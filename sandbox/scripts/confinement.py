"""How a script's process is kept apart from the machine: in namespaces, or by what every Unix has."""

import contextlib
import fcntl
import os
import resource
import shutil
import signal
import socket
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sandbox.scripts import kernel, landlock, seccomp, view

# Whom scripts are on the machine when the sandbox is root: nobody, or, where they share the machine's
# processes, users of their own that nobody else is.
NOBODY = 65534
FIRST_USER = 2_113_000_000
USERS = 10_000
INSIDE = 1000
# .NET reserves many addresses and uses few: so many times what it may write to. (No more, since the tables of
# pages that are only read are memory, too, which nothing else counts.)
ADDRESSES = 16
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1


class Confinement(Protocol):
    """`enter` and `fork` happen in the zygote, `settle`, `make_room` and `shut` in the forked process.

    Where a second interpreter runs the script, it is started by that process in a child of its own, and
    `shut` happens in both.
    """

    def enter(self) -> None:
        """Prepare the zygote. Errors: OSError when the machine forbids it."""

    def fork(self, become: Callable[[], None]) -> int:
        """Fork a process that does `become` and ends; returns its id."""

    def settle(self) -> tuple[int, socket.socket | None]:
        """Leave the zygote's surroundings. Returns the process id as the sandbox sees it, and the socket
        on which calls to AWS arrive, if there must be one.
        """

    def make_room(self, disk: int, directory: str, *, interpreted: bool) -> str:
        """Make a directory like `directory`, which is returned, and what a second interpreter needs."""

    def shut(self, limits: dict[str, Any], *, interpreted: bool) -> None:
        """Give up the last rights."""

    def kill(self, pid: int) -> None:
        """Kill a script and what it has started."""

    def clean_up(self, pid: int, others: set[int]) -> None:
        """Remove what a script that has ended left behind; `others` are the zygote's other children."""


class Namespaces:
    """Each script has user, process, mount, network, IPC and host name namespaces of its own."""

    def __init__(self, port: int, hidden: list[Path], interpreter: list[Path]) -> None:
        self._port = port
        self._hidden = hidden
        self._interpreter = interpreter
        self._proc = -1
        self._processes = -1

    def enter(self) -> None:
        _be_ended_first()
        self._proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        if os.geteuid() == 0 and _may_be(NOBODY, 1):
            kernel.unshare(kernel.CLONE_NEWNS)
            view.enter(self._hidden, self._interpreter)
            self._leave_users_as_root()
            kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
        else:
            user, group = os.geteuid(), os.getegid()
            kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID)
            self._map_ids(user, group)
            view.enter(self._hidden, self._interpreter)
        self._begin_as_first_process()

    def _leave_users_as_root(self) -> None:
        """A new user namespace in which our id stands for nobody: only root outside of it may write that."""
        begun, begin = os.pipe()
        target = os.readlink("self", dir_fd=self._proc)
        helper = os.fork()
        if helper == 0:
            status = 1
            with contextlib.suppress(OSError):
                os.close(begin)
                os.read(begun, 1)
                self._write(f"{target}/uid_map", f"{INSIDE} {NOBODY} 1")
                self._write(f"{target}/gid_map", f"{INSIDE} {NOBODY} 1")
                status = 0
            os._exit(status)
        os.setgroups([])
        kernel.unshare(kernel.CLONE_NEWUSER)
        os.close(begin)
        os.close(begun)
        _, status = os.waitpid(helper, 0)
        if status:
            raise PermissionError("the ids of a user namespace cannot be set")
        os.setresgid(INSIDE, INSIDE, INSIDE)
        os.setresuid(INSIDE, INSIDE, INSIDE)
        # Changing ids has made root the owner of our files in /proc, which we still have to write to.
        kernel.stay_dumpable()

    def _map_ids(self, user: int, group: int) -> None:
        """Be INSIDE in the user namespace that was just made, which `user` and `group` are outside of it."""
        self._write("self/setgroups", "deny")
        self._write("self/uid_map", f"{INSIDE} {user} 1")
        self._write("self/gid_map", f"{INSIDE} {group} 1")

    def _write(self, name: str, text: str) -> None:
        """Write to a file of /proc, which is not in our view any more."""
        descriptor = os.open(name, os.O_WRONLY, dir_fd=self._proc)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def _begin_as_first_process(self) -> None:
        """Go on as the first process of the new process namespace, with which all scripts end."""
        pid = os.fork()
        if pid:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
        kernel.die_with_parent(signal.SIGKILL)
        self._processes = os.open("self/ns/pid", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)

    def fork(self, become: Callable[[], None]) -> int:
        kernel.unshare(kernel.CLONE_NEWPID)
        pid = os.fork()
        if pid == 0:
            _do_and_end(become)
        kernel.setns(self._processes, kernel.CLONE_NEWPID)
        return pid

    def settle(self) -> tuple[int, socket.socket | None]:
        outside_pid = int(os.readlink("self", dir_fd=self._proc))
        if self._interpreter:
            # As long as the process namespace is one that this process's user namespace owns.
            kernel.unshare(kernel.CLONE_NEWNS)
            view.show_own_processes()
        kernel.unshare(
            kernel.CLONE_NEWUSER
            | kernel.CLONE_NEWNS
            | kernel.CLONE_NEWNET
            | kernel.CLONE_NEWIPC
            | kernel.CLONE_NEWUTS
        )
        self._map_ids(INSIDE, INSIDE)
        if self._interpreter:
            view.cover_processes()
        # No further user namespace, in which a script would have capabilities again.
        self._write("sys/user/max_user_namespaces", "0")
        os.close(self._processes)
        os.close(self._proc)
        return outside_pid, self._listen()

    def _listen(self) -> socket.socket | None:
        """What listens at the sandbox's address in this network is accepted from by the sandbox itself."""
        listener = socket.socket()
        fcntl.ioctl(listener, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
        if not self._port:
            listener.close()
            return None
        listener.bind(("127.0.0.1", self._port))
        listener.listen(16)
        return listener

    def make_room(self, disk: int, directory: str, *, interpreted: bool) -> str:
        flags = kernel.MS_NOSUID | kernel.MS_NODEV
        for place in view.WRITABLE:
            if place == "tmp" or directory.startswith(f"/{place}/"):
                kernel.mount(place, f"/{place}", "tmpfs", flags, f"size={disk},nr_inodes=10000,mode=1777")
                view.show_again(place)
        if interpreted:
            view.uncover_processes()
            view.take_away_zeros()
        os.umask(0o077)
        Path(directory).mkdir(parents=True)
        return directory

    def shut(self, limits: dict[str, Any], *, interpreted: bool) -> None:
        _limit(limits, processes=limits["processes"], interpreted=interpreted)
        kernel.forbid_new_privileges()
        seccomp.restrict(tcp_only=False, private_memory=interpreted)
        kernel.drop_capabilities()

    def kill(self, pid: int) -> None:
        # The first process of a process namespace: all others in it die with it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def clean_up(self, pid: int, others: set[int]) -> None:
        """Namespaces and the file systems in them go with their last process."""


class Plain:
    """Where namespaces are forbidden: limits, a session and a directory, for root another user, and what the
    kernel lets anybody give up.
    """

    def __init__(self, port: int, interpreter: list[Path]) -> None:
        self._port = port
        self._interpreter = interpreter
        self._home = Path()
        self._first_user = _first_user() if os.geteuid() == 0 else None
        self._forks = 0
        self._users: dict[int, int] = {}

    def enter(self) -> None:
        _be_ended_first()
        kernel.adopt_orphans()

    def fork(self, become: Callable[[], None]) -> int:
        self._forks += 1
        pid = os.fork()
        if pid == 0:
            _do_and_end(become)
        if (user := self._user) is not None:
            self._users[pid] = user
        return pid

    @property
    def _user(self) -> int | None:
        """Who the process forked last is. Ids are used in turn: two scripts at a time never share one."""
        return None if self._first_user is None else self._first_user + self._forks % USERS

    def settle(self) -> tuple[int, socket.socket | None]:
        os.setsid()
        kernel.die_with_parent(signal.SIGKILL)
        return os.getpid(), None

    def make_room(self, disk: int, directory: str, *, interpreted: bool) -> str:
        self._home = Path(_home(os.getpid()))
        self._home.mkdir(mode=0o700)
        own = self._home / Path(directory).name
        own.mkdir()
        if (user := self._user) is not None:
            for place in (self._home, own):
                os.chown(place, user, user)
        os.umask(0o077)
        tempfile.tempdir = str(self._home)
        os.environ["TMPDIR"] = str(self._home)
        return str(own)

    def shut(self, limits: dict[str, Any], *, interpreted: bool) -> None:
        user = self._user
        others = _processes_of(os.getuid()) if user is None else 0
        kernel.forbid_new_privileges()
        if landlock.version():
            self._leave_files(interpreted=interpreted)
        _limit(limits, processes=others + int(limits["processes"]), interpreted=interpreted)
        if user is not None:
            with contextlib.suppress(PermissionError):
                # Forbidden where root is one of a user namespace that a user has made.
                os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        # The kernel has forgotten it when this process was forked or has become somebody else.
        kernel.die_with_parent(signal.SIGKILL)
        seccomp.restrict(tcp_only=True, private_memory=interpreted)

    def _leave_files(self, *, interpreted: bool) -> None:
        readable = view.readable()
        devices = [Path(device) for device in view.DEVICES]
        if interpreted:
            # Of all processes its own alone: a runtime reads there where its stack and its libraries lie.
            asked = [place for place in map(Path, view.ASKED) if place.exists()]
            readable += [*self._interpreter, Path(f"/proc/{os.getpid()}"), view.ZEROS, *asked]
            devices.remove(view.ZEROS)
        landlock.restrict(readable=readable, writable=[self._home, *devices], port=self._port)

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def clean_up(self, pid: int, others: set[int]) -> None:
        self.kill(pid)
        if (user := self._users.pop(pid, None)) is not None:
            _kill_all_of(user)
        # What outlived its parents has become a child of ours.
        while strays := _children() - others:
            for stray in strays:
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(stray, signal.SIGKILL)
                    os.waitpid(stray, 0)
        shutil.rmtree(_home(pid), ignore_errors=True)


def _be_ended_first() -> None:
    """When memory runs out, a script is what the kernel ends first."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _first_user() -> int | None:
    """The first of the users that scripts are where root may be anybody; None when there are too few."""
    if _may_be(FIRST_USER, USERS):
        return FIRST_USER
    return next((first + count - USERS for first, count in _ids() if count > 2 * USERS), None)


def _may_be(first: int, count: int) -> bool:
    """Whether this user namespace, if it is not the machine's own, has all these ids."""
    return any(begin <= first and first + count <= begin + many for begin, many in _ids())


def _ids() -> list[tuple[int, int]]:
    """The ranges of ids that there are in this user namespace: the first, and how many."""
    lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    return [(int(inside), int(count)) for inside, _, count in map(str.split, lines)]


def _kill_all_of(user: int) -> None:
    """Kill every process of a user at once, which is the only way to end those that fork all the time."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(OSError):
            os.setresuid(user, user, user)
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.waitpid(pid, 0)


def _children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def _home(pid: int) -> str:
    return f"{tempfile.gettempdir()}/sandbox-script-{pid}"


def _processes_of(user: int) -> int:
    count = 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                count += len(list((entry / "task").iterdir()))
    return count


def _limit(limits: dict[str, Any], *, processes: int, interpreted: bool) -> None:
    seconds, memory = int(limits["seconds"]) + 1, int(limits["memory"])
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_AS, memory * ADDRESSES if interpreted else memory),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_NOFILE, int(limits["open_files"])),
        (resource.RLIMIT_FSIZE, int(limits["disk"])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _do_and_end(become: Callable[[], None]) -> None:
    status = 1
    try:
        become()
        status = 0
    finally:
        os._exit(status)
