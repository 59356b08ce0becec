"""Starts scripts and waits for them."""

import contextlib
from collections.abc import Callable

from sandbox.scripts.jobs import Job, Result


class Script:
    """A script that has been started, or waits for its turn to start."""

    def result(self, timeout: float | None = None) -> Result | None:
        """How it ended, after waiting up to `timeout` seconds (None: for as long as it takes).

        None when it has not ended by then. Scripts end by themselves: their own time limit sees to it.
        """
        raise NotImplementedError

    def cancel(self) -> None:
        """Kill it and all its processes now; its result is `cancelled`. No effect once it has ended."""
        raise NotImplementedError


class ScriptRunner:
    """Runs scripts in confined processes, a bounded number at a time; others wait for their turn."""

    def start(self, job: Job, on_end: Callable[[Script], None] = lambda _: None) -> Script:
        """Start a script. `on_end` is called, from a thread of ours, when its result is there."""
        raise NotImplementedError

    def run(self, job: Job) -> Result:
        """Start a script and wait for its result."""
        result = self.start(job).result()
        assert result is not None, "waited without a timeout"
        return result

    def stop(self) -> None:
        """Kill every script and the processes that serve them."""
        with contextlib.suppress(NotImplementedError):
            raise NotImplementedError
