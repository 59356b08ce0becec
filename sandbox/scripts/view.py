"""The file system that confined scripts see: Python, its libraries and what they need, read-only."""

import os
import sys
import sysconfig
from pathlib import Path

from sandbox.scripts import kernel

# Of /usr only what programs need to run: applications and their data are often kept elsewhere below it.
SYSTEM = (
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
)
SETTINGS = ("/etc/ssl", "/etc/pki", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types")
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
# What maps it shares memory, which nothing but a limit of address space counts.
ZEROS = Path("/dev/zero")
# What runtimes ask of a machine, where scripts see its own files and not WRITTEN: who they are, and its size.
ASKED = ("/etc/passwd", "/etc/nsswitch.conf", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
# Of a /proc of the script's own, besides its processes; the rest tells of the machine what nobody here asks.
SHOWN_OF_PROC = {
    *("cpuinfo", "filesystems", "loadavg", "meminfo", "mounts", "net", "self", "stat", "sys", "thread-self"),
    *("uptime", "version"),
}
WRITTEN = {
    "etc/passwd": "script:x:1000:1000::/tmp:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
    "etc/group": "script:x:1000:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
# Where a script may write: its process mounts something of its own there.
WRITABLE = ("tmp", "var")
# Where what is shown below a writable place is shown once more: a script's own mount covers it there.
AGAIN = "shown"


def python_places() -> list[Path]:
    """The directories and files that this Python runs from."""
    paths = sysconfig.get_paths()
    places = {Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    base = Path(sys.base_prefix)
    places |= {base / "lib", Path(sys.executable), Path(sys.executable).resolve()}
    # Distributions' Pythons look for modules in more places than sysconfig tells.
    places |= {Path(entry) for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))}
    return sorted(place for place in places if place.exists())


def readable() -> list[Path]:
    """What scripts may read, where they see the machine's own file system."""
    named = (Path(name) for name in (*SYSTEM, *SETTINGS))
    return [*(place for place in named if place.exists()), *python_places()]


def enter(hidden: list[Path], interpreter: list[Path]) -> None:
    """Make the scripts' view of files the root of this process, whose mount namespace is its own.

    What lies in a `hidden` directory is not seen, even where that is within a place that is. `interpreter`
    are the places of a second interpreter, if there is one; it needs /proc too: the machine's is shown until
    `show_own_processes` covers it, since the kernel lets nobody mount another where there is none. Errors:
    OSError when this process may not mount.
    """
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    links, places = _places(hidden, interpreter)
    # The new root covers /tmp, where something that is wanted may lie: open everything first.
    opened = {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in places if place not in hidden}
    root = Path("/tmp")  # noqa: S108 - covered by a file system of our own
    kernel.mount("view", str(root), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    covers = [root]
    for place in places:
        target = root / place.relative_to("/")
        if place in opened:
            _bind(opened[place], target)
        elif target.is_dir():
            kernel.mount(
                "hidden", str(target), "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755"
            )
            covers.append(target)
    for link, destination in links.items():
        (root / link.relative_to("/")).symlink_to(destination)
    for name, text in WRITTEN.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    if interpreter:
        (root / "proc").mkdir()
        kernel.mount("/proc", str(root / "proc"), None, kernel.MS_BIND | kernel.MS_REC)
    for name in WRITABLE:
        (root / name).mkdir(exist_ok=True)
        for entry in [each for each in (root / name).iterdir() if each.is_dir()]:
            copy = root / AGAIN / name / entry.name
            copy.mkdir(parents=True)
            kernel.mount(str(entry), str(copy), None, kernel.MS_BIND | kernel.MS_REC)
            covers.append(copy)
    for cover in covers:
        _make_read_only(cover)
    for descriptor in opened.values():
        os.close(descriptor)
    os.chdir(root)
    kernel.pivot_root_here()


def show_again(name: str) -> None:
    """Show what a mount on the writable place `name` has just covered, where Python lies below it."""
    shown = Path("/", AGAIN, name)
    for entry in shown.iterdir() if shown.is_dir() else ():
        target = Path("/", name, entry.name)
        target.mkdir()
        kernel.mount(str(entry), str(target), None, kernel.MS_BIND | kernel.MS_REC)


def show_own_processes() -> None:
    """Cover the machine's /proc with one of this process's own process namespace. Errors: OSError."""
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", flags)


def cover_processes() -> None:
    """Let /proc be an empty directory, until `uncover_processes`."""
    _cover(Path("/proc"))


def uncover_processes() -> None:
    """Show what `cover_processes` has covered, but for what no script needs."""
    kernel.unmount("/proc")
    for entry in list(Path("/proc").iterdir()):
        if entry.name.isdigit() or entry.name in SHOWN_OF_PROC:
            continue
        if entry.is_dir():
            _cover(entry)
        else:
            kernel.mount("/dev/null", str(entry), None, kernel.MS_BIND)


def _cover(directory: Path) -> None:
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("none", str(directory), "tmpfs", flags, "size=4k,nr_inodes=1,mode=555")


def take_away_zeros() -> None:
    """Let ZEROS be as empty as /dev/null."""
    kernel.mount("/dev/null", str(ZEROS), None, kernel.MS_BIND)


def _places(hidden: list[Path], interpreter: list[Path]) -> tuple[dict[Path, Path], list[Path]]:
    """Links to make, and places to show or hide, each after those that it lies in."""
    wanted = [Path(name) for name in (*SYSTEM, *SETTINGS, *DEVICES) if Path(name).exists()]
    links = {place: place.readlink() for place in wanted if place.is_symlink() and place.is_dir()}
    wanted = [place for place in wanted if place not in links] + python_places() + interpreter
    shown = sorted({*wanted, *hidden})
    kept: list[Path] = []
    for place in shown:
        above = next((other for other in reversed(kept) if place.is_relative_to(other)), None)
        # What a shown directory holds is shown already, unless something hides it in between.
        if above is None or above in hidden or place in hidden:
            kept.append(place)
    return links, [place for place in kept if place not in hidden or _within_shown(place, kept, hidden)]


def _within_shown(place: Path, kept: list[Path], hidden: list[Path]) -> bool:
    return any(place.is_relative_to(other) for other in kept if other not in hidden)


def _bind(descriptor: int, target: Path) -> None:
    source = f"/proc/self/fd/{descriptor}"
    if Path(source).is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    kernel.mount(source, str(target), None, kernel.MS_BIND | kernel.MS_REC)
    # A user namespace's owner may add to the flags of a mount, not take any away.
    kept = os.fstatvfs(descriptor).f_flag & (os.ST_NODEV | os.ST_NOSUID | os.ST_NOEXEC)
    device = target.parent.name == "dev"
    flags = kept | kernel.MS_NOSUID | (kernel.MS_NOEXEC if device else kernel.MS_NODEV)
    kernel.mount("none", str(target), None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | flags)


def _make_read_only(mount: Path) -> None:
    flags = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", str(mount), None, kernel.MS_REMOUNT | kernel.MS_BIND | flags)
