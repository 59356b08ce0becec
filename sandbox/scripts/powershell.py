"""PowerShell, the second interpreter: how it is started, and what it says of a script's end.

A script in Python runs in the process that was forked for it. For one in PowerShell that process starts
`pwsh` in a child, waits for it and answers in its place; both are confined as every script is.
"""

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# It runs the script, prints what that says, and writes what it gives to a file.
WRAPPER = Path(__file__).with_suffix(".ps1").read_text(encoding="utf-8")
EXTENSION = ".ps1"
# What is run of an attachment when the step has no script of its own.
ENTRY = "main.ps1"
# Linux's longest single text of an environment.
MOST_PAYLOAD = 128 * 1024 - len("InputPayload=") - 1
HEAP_SHARE = 0.75


def places(executable: Path) -> list[Path]:
    """The files and directories that this pwsh is made of, links followed.

    Beside a program that is alone in its directory may lie anything: it is shown by itself.
    """
    directory = executable.parent
    return [directory if (directory / "pwsh.dll").exists() else executable]


def environment(executable: Path, memory: int) -> dict[str, str]:
    """What PowerShell and .NET are told: where programs are, no telemetry, no files to share memory by, no
    diagnostics over sockets, and a heap that ends before the script's memory does.

    https://learn.microsoft.com/dotnet/core/runtime-config/
    """
    told = {
        "GCHeapHardLimit": f"{int(memory * HEAP_SHARE):x}",
        "EnableWriteXorExecute": "0",
        "EnableDiagnostics": "0",
        "gcServer": "0",
    }
    return {
        "PATH": f"{executable.parent}:/usr/local/bin:/usr/bin:/bin",
        # Before .NET 6 these began with COMPlus.
        **{f"{prefix}_{name}": value for name, value in told.items() for prefix in ("DOTNET", "COMPlus")},
        # ICU may be missing, or be another than this runtime knows.
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "DOTNET_SYSTEM_GLOBALIZATION_PREDEFINED_CULTURES_ONLY": "0",
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
        "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
        # glibc's reserve of address space for each thread.
        "MALLOC_ARENA_MAX": "2",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


def run(
    job: Mapping[str, Any],
    directory: Path,
    home: Path,
    surroundings: Mapping[str, str],
    *,
    shut: Callable[[], None],
    write_files: Callable[[], None],
) -> dict[str, Any]:
    """Run the job's script in `directory`, in a child of this process, and wait for its end; its answer.

    Both processes `shut` themselves, and the child then writes the job's files. `home` is where it may write
    besides, `surroundings` are its environment but for what PowerShell is told. Ends this process, as the
    script has ended, when there is no answer.
    """
    answer = home / "answer.json"
    # Before either is shut: what a process may read of itself in /proc is named by its id.
    child = os.fork()
    if child == 0:
        try:
            shut()
            write_files()
            _become(job, directory, home, answer, surroundings)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is why there is no script
            _tell(answer, error)
        finally:
            os._exit(0)
    shut()
    status = _wait_for(child)
    if status == -signal.SIGKILL:
        # Its time and the memory of all its processes are the sandbox's to watch, which ends this one too.
        return failure("OutOfMemoryException", "The script was ended because it used more memory than it may")
    told = _read(answer, int(job["limits"]["payload"])) if status == 0 else None
    if told is None:
        # As shells tell of a signal.
        os._exit(status if status >= 0 else 128 - status)
    return told


def failure(type_name: str, message: str, stage: str = "handler") -> dict[str, Any]:
    """The answer of a script that has failed."""
    return {"error": {"type": type_name, "message": message, "frames": [], "stage": stage}}


def _become(
    job: Mapping[str, Any],
    directory: Path,
    home: Path,
    answer: Path,
    surroundings: Mapping[str, str],
) -> None:
    """Turn this process into the interpreter."""
    if len(job["payload"].encode()) > MOST_PAYLOAD:
        raise ValueError(f"The InputPayload is longer as JSON than the {MOST_PAYLOAD} bytes that fit.")
    executable = Path(job["interpreter"])
    own = environment(executable, int(job["limits"]["memory"]))
    script = directory / job["handler"] if job["handler"] else _entry(directory)
    wrapper = home / f"run{EXTENSION}"
    wrapper.write_text(WRAPPER, encoding="utf-8")
    os.closerange(3, int(job["limits"]["open_files"]))
    os.chdir(directory)
    options = ("-NoLogo", "-NoProfile", "-NonInteractive", "-File")
    os.execve(  # noqa: S606 - what this module is for
        executable,
        [str(executable), *options, str(wrapper), str(script), str(answer)],
        {**surroundings, **own, "InputPayload": job["payload"]},
    )


def _entry(directory: Path) -> Path:
    """The script of an attachment: its Main.ps1, or the only one at its top."""
    scripts = [path for path in directory.iterdir() if path.suffix.lower() == EXTENSION]
    found = [path for path in scripts if path.name.lower() == ENTRY] or scripts
    if len(found) != 1:
        raise FileNotFoundError("The attachment has neither a Main.ps1 nor exactly one script at its top.")
    return found[0]


def _wait_for(child: int) -> int:
    """Its exit status; what it leaves behind and becomes a child of this process is waited for, too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def _tell(answer: Path, error: BaseException) -> None:
    answer.write_text(json.dumps(failure(type(error).__name__, str(error), "import")), encoding="utf-8")


def _read(answer: Path, most: int) -> dict[str, Any] | None:
    """What was written there, in the form that a script answers in; None when that is no answer."""
    try:
        # The script may have put anything there: a link, or a pipe that nobody writes to.
        with os.fdopen(os.open(answer, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            told = json.loads(stream.read(2 * most))
        if error := told.get("error"):
            return failure(str(error["type"]), str(error["message"]), str(error["stage"]))
        return {"payload": str(told["payload"])}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
