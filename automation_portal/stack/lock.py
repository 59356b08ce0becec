"""One supervisor for each DATA_DIR: a lock that its holder's death releases."""

import fcntl
import json
import os
import time
from types import TracebackType

from automation_portal.stack import console
from automation_portal.stack.layout import Layout, StackError

# How long the warden of a killed supervisor may take to stop what that left.
PATIENCE_SECONDS = 25.0
PAUSE_SECONDS = 0.2


class InstanceLock:
    """Held by the supervisor, and by its warden in case it outlives the supervisor."""

    def __init__(self, layout: Layout):
        self.layout = layout
        self.descriptor = -1

    def __enter__(self) -> "InstanceLock":
        """Take the lock; StackError when the instance runs already."""
        self.descriptor = os.open(self.layout.data / "run" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting = False
        while not self._take():
            holder = self._holder()
            if holder is not None or time.monotonic() > deadline:
                os.close(self.descriptor)
                raise StackError(
                    f"The portal already runs from {self.layout.data}{f' ({holder})' if holder else ''}. "
                    f"Stop that one, or start a second: PORT={self.layout.port + 10} DATA_DIR=var2 make run"
                )
            if not waiting:
                waiting = True
                console.say("The last run was killed; waiting until what it left has stopped.")
            time.sleep(PAUSE_SECONDS)
        os.truncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock."""
        os.close(self.descriptor)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holder(self) -> str | None:
        """Return who runs the instance, None when that supervisor is dead and only its warden is left."""
        written = os.pread(self.descriptor, 32, 0).decode(errors="replace").strip()
        if not written.isdigit():
            return None
        try:
            os.kill(int(written), 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            return f"process {written}, another person's"
        try:
            url = json.loads(self.layout.state.read_text(encoding="utf-8"))["url"]
        except FileNotFoundError:
            return f"process {written}, stopping or starting"
        return f"process {written}, {url}/"
