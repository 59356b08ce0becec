"""What happens in a script's own process, from its fork to its end.

Its first message tells its process id (outside of its namespaces) and carries the socket on which its calls
to AWS arrive. It is then given the job, and answers with what became of it; both are JSON after their length.
"""

import base64
import contextlib
import importlib
import io
import json
import os
import re
import socket
import sys
import time
import traceback
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.scripts import powershell, warmth
from sandbox.scripts.clockwork import Clockwork, OutOfTime
from sandbox.scripts.confinement import Confinement
from sandbox.scripts.wire import HELLO, LENGTH

OF_LAYER = re.compile(r"python/(?:lib/python3\.\d+/site-packages/)?(?P<path>.+)")
OWN_MODULES = tuple(name for name in sys.modules if name.partition(".")[0] == "sandbox")


def live(waiting: socket.socket, confinement: Confinement) -> None:
    """Leave the zygote's surroundings, wait for a job, do it and answer."""
    outside_pid, listener = confinement.settle()
    _rehearse()
    message, descriptors, _, _ = socket.recv_fds(waiting, 16, 2)
    waiting.close()
    if not message:
        return
    talk, output = socket.socket(fileno=descriptors[0]), descriptors[1]
    hello = HELLO.pack(outside_pid)
    if listener is None:
        talk.sendall(hello)
    else:
        socket.send_fds(talk, [hello], [listener.fileno()])
        listener.close()
    job = json.loads(_receive(talk))
    _redirect(output)
    interpreted = job["interpreter"] is not None
    directory = Path(confinement.make_room(job["limits"]["disk"], job["directory"], interpreted=interpreted))
    pid = os.getpid()
    answer = (_interpret if interpreted else _do)(job, directory, confinement)
    if os.getpid() != pid:
        # A process that the script has forked has come back from it: the script's answer is not its to give.
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    data = json.dumps(answer).encode()
    talk.sendall(LENGTH.pack(len(data)) + data)


def _rehearse() -> None:
    """Do once, while nobody waits, what a script does: memory that the zygote shares is copied when used."""
    scope: dict[str, Any] = {}
    code = compile("def main(events, context):\n    return {'a': [1]}\n", "rehearsal", "exec")
    exec(code, scope)  # noqa: S102 - this text
    json.dumps(scope["main"](json.loads('{"a": [1.5, true, null, "b"]}'), None))
    nothing = os.open(os.devnull, os.O_WRONLY)
    with _printing_to(nothing, closefd=True) as stream:
        stream.write("rehearsal\n")
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("no_such_module")
    os.environ.update(os.environ)


def _receive(talk: socket.socket) -> bytes:
    with talk.makefile("rb") as stream:
        (length,) = LENGTH.unpack(stream.read(LENGTH.size))
        return stream.read(length)


def _redirect(output: int) -> None:
    """Nothing to read, and everything that is printed goes to `output`, line by line."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, target)
    os.close(nothing)
    os.close(output)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = _printing_to(descriptor)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _printing_to(descriptor: int, *, closefd: bool = False) -> io.TextIOWrapper:
    return os.fdopen(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=closefd
    )


def _interpret(job: dict[str, Any], directory: Path, confinement: Confinement) -> dict[str, Any]:
    """Have the second interpreter do the job."""
    return powershell.run(
        job,
        directory,
        Path(_home()),
        _environment(job),
        shut=lambda: confinement.shut(job["limits"], interpreted=True),
        write_files=lambda: _write_files(job["files"], directory),
    )


def _do(job: dict[str, Any], directory: Path, confinement: Confinement) -> dict[str, Any]:
    """Do the job in this process."""
    confinement.shut(job["limits"], interpreted=False)
    clockwork = None
    if job["epoch"] is not None:
        clockwork = Clockwork(job["epoch"], float(job["limits"]["seconds"]))
    answer = _call(job, directory, clockwork)
    if clockwork is not None:
        answer["slept"] = clockwork.slept
    answer["services"] = sorted(warmth.services)
    return answer


def _call(job: dict[str, Any], directory: Path, clockwork: Clockwork | None) -> dict[str, Any]:
    began = time.monotonic()
    _write_files(job["files"], directory)
    _surround(job, directory)
    if clockwork is not None:
        clockwork.install()
    module_name, _, function_name = job["handler"].rpartition(".")
    try:
        stage = "import"
        module = importlib.import_module(module_name.replace("/", "."))
        handler = getattr(module, function_name)
        stage = "handler"
        value = handler(json.loads(job["payload"]), _context(job, began))
        stage = "answer"
        payload = json.dumps(value)
    except OutOfTime:
        return {"timed_out": True}
    except BaseException as error:  # noqa: BLE001 - whatever ends a script is its failure: exit(), interrupts
        return {"error": _told(error, directory, stage)}
    most = job["limits"]["payload"]
    if len(payload) > most:
        message = f"The answer is {len(payload)} bytes of JSON long; {most} bytes are allowed."
        return {
            "error": {"type": "ResponseSizeTooLarge", "message": message, "frames": [], "stage": "answer"}
        }
    return {"payload": payload}


def _write_files(files: dict[str, str], directory: Path) -> None:
    for name, encoded in files.items():
        data = base64.b64decode(encoded)
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                archive.extractall(directory)
        elif name.endswith(".layer"):
            _unpack_layer(data, directory)
        else:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


def _unpack_layer(data: bytes, directory: Path) -> None:
    """What of a layer is on Python's path, where a function's own files are: at the root."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            match = OF_LAYER.fullmatch(entry.filename)
            if match and not entry.is_dir():
                entry.filename = match["path"]
                archive.extract(entry, directory)


def _surround(job: dict[str, Any], directory: Path) -> None:
    """The environment, the working directory and the module path that the script finds."""
    values = _environment(job)
    os.environ.clear()
    os.environ.update(values)
    time.tzset()
    os.chdir(directory)
    own = str(Path(__file__).parents[2])
    sys.path[:] = [str(directory), *(entry for entry in sys.path if entry not in {own, ""})]
    sys.argv[:] = [""]
    sys.dont_write_bytecode = True
    # Of this program it sees nothing, and a script's file goes before a module of the same name. (To look at
    # every module's name would copy the memory that each of them lies in.)
    for name in (*OWN_MODULES, *(entry.stem for entry in directory.iterdir())):
        if name not in sys.builtin_module_names:
            sys.modules.pop(name, None)


def _home() -> str:
    """The script's own directory for files."""
    return os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - the script's own


def _environment(job: dict[str, Any]) -> dict[str, str]:
    home = _home()
    values: dict[str, str] = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AWS_REGION": job["region"],
        "AWS_DEFAULT_REGION": job["region"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    if job["endpoint_url"]:
        values["AWS_ENDPOINT_URL"] = job["endpoint_url"]
    if keys := job["credentials"]:
        values["AWS_ACCESS_KEY_ID"] = keys["access_key_id"]
        values["AWS_SECRET_ACCESS_KEY"] = keys["secret_access_key"]
        if keys["session_token"]:
            values["AWS_SESSION_TOKEN"] = keys["session_token"]
    return {**values, **job["environment"]}


def _context(job: dict[str, Any], began: float) -> Any:
    if not job["context_object"]:
        return job["context"]
    seconds = float(job["limits"]["seconds"])

    def get_remaining_time_in_millis() -> int:
        return max(0, int((began + seconds - time.monotonic()) * 1000))

    remaining: Callable[[], int] = get_remaining_time_in_millis
    return types.SimpleNamespace(**job["context"], get_remaining_time_in_millis=remaining)


def _told(error: BaseException, directory: Path, stage: str) -> dict[str, Any]:
    """The exception in words, its stack from the first entry on that is the script's own."""
    stack = traceback.extract_tb(error.__traceback__)
    own = [index for index, frame in enumerate(stack) if frame.filename.startswith(f"{directory}/")]
    frames = traceback.format_list(stack[own[0] :]) if own else []
    if isinstance(error, SyntaxError):
        frames += traceback.format_exception_only(error)[:-1]
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - an exception's own __str__ may raise anything
        message = ""
    return {"type": type(error).__name__, "message": message, "frames": frames, "stage": stage}
