"""What a script is given and what it gives back: plain data, sent to its process and back as JSON."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MIB = 1024 * 1024

# returned: the handler gave a value. raised: the script ended with an exception, or its value is no JSON.
# exited: the process ended by itself without an answer (os._exit, a crash). timed out, out of memory,
# cancelled: it was killed.
Ending = Literal["returned", "raised", "exited", "timed out", "out of memory", "cancelled"]


@dataclass(frozen=True)
class Limits:
    """What a script may use. `seconds` is wall time; sizes are in bytes.

    `memory` bounds each process's address space (in PowerShell: what of it may be written to) and what all of
    the script's processes use together;
    `output` is how much of what it prints is kept; `payload` is the longest answer (JSON); `disk` is the
    room for files.
    """

    seconds: float = 600.0
    memory: int = 768 * MIB
    processes: int = 64
    open_files: int = 256
    output: int = 100_000
    payload: int = 8 * MIB
    disk: int = 64 * MIB


@dataclass(frozen=True)
class Credentials:
    """The keys of the session that the script calls AWS with."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None


@dataclass(frozen=True)
class Job:
    """One call of a Python handler, or one run of a script in another interpreter.

    `files` are written to the script's own `directory` (below /tmp, or /var/task), which is the first place
    of its module path; a name that ends with .zip is unpacked there, and of one that ends with .layer (a
    Lambda layer) its Python files are. `handler` is `module.function`.
    `payload` is the event as JSON. `context` is handed to the handler as a dict, or, with `context_object`,
    as an object with these attributes and Lambda's get_remaining_time_in_millis. `environment` is added to
    the little that every script has. Without `credentials` the script has none, and calls to AWS fail in the
    client. `epoch` (seconds) is the time that the script sees when it begins, and from which its sleeps count
    at once; None is real time.

    `interpreter` is the PowerShell that runs the script instead of this Python: one that the runner was told
    of (`ScriptRunner.use`). `handler` is then the script's file, or empty for the one that a .zip file holds,
    `payload` is in the environment as InputPayload, and `context` and `epoch` have no effect.
    """

    files: Mapping[str, str | bytes]
    handler: str
    interpreter: str | None = None
    payload: str = "{}"
    context: Mapping[str, Any] = field(default_factory=dict)
    context_object: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials | None = None
    region: str = "us-east-1"
    directory: str = "/tmp/script"  # noqa: S108 - within the script's own /tmp
    limits: Limits = Limits()
    epoch: float | None = None

    def dump(self, *, endpoint_url: str | None) -> bytes:
        """The job as its process reads it."""
        message = asdict(self)
        message["files"] = {
            # A surrogate that stands alone is for Python to refuse, in the script's own process.
            name: base64.b64encode(
                text.encode(errors="surrogatepass") if isinstance(text, str) else text
            ).decode()
            for name, text in self.files.items()
        }
        message["endpoint_url"] = endpoint_url
        return json.dumps(message).encode()


@dataclass(frozen=True)
class ScriptError:
    """An exception that the script did not handle.

    `frames` are the stack's entries within the script, the outermost first, each as Python prints it (with
    a newline at its end); `type` is the exception's class name. `stage` tells what failed: importing the
    script, the handler, or making JSON of its answer.
    """

    type: str
    message: str
    frames: tuple[str, ...] = ()
    stage: Literal["import", "handler", "answer"] = "handler"


@dataclass(frozen=True)
class Result:
    """How a script ended.

    `payload` is the handler's value as JSON when it returned; `error` is there when it raised; `logs` is what
    it printed and logged, cut off at the limit. `seconds` is the time it took and `slept` how much of its
    waiting did not really pass. `exit_status` is that of a process that exited (negative: the signal).
    """

    ending: Ending
    payload: str | None = None
    error: ScriptError | None = None
    logs: str = ""
    seconds: float = 0.0
    slept: float = 0.0
    exit_status: int | None = None
