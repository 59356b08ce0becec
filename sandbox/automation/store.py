"""Where automations are kept: by account and Region, with the client tokens that started them."""

import contextlib
import pickle
import threading
from collections.abc import Callable, Iterator

from sandbox.automation.records import Execution


class Store:
    """Thread-safe keeper of executions.

    `on_change` is called (without arguments) after every change, so that whoever saves state knows.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.on_change: Callable[[], None] = lambda: None
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[tuple[str, str, str], tuple[str, str]] = {}

    def add(self, execution: Execution, *, token: str | None = None, request: str = "") -> Execution | None:
        """Keep a new execution, and the token and request that it must be found by again.

        When a request with the same token came first, nothing is kept and its execution is returned.
        """
        with self.changing():
            if token is None:
                self._executions[execution.id] = execution
                return None
            key = (execution.account_id, execution.region, token.lower())
            if key in self._tokens:
                return self._executions[self._tokens[key][0]]
            self._executions[execution.id] = execution
            self._tokens[key] = (execution.id, request)
            return None

    def started_by(self, account_id: str, region: str, token: str) -> tuple[str, str] | None:
        """The execution id and request that `token` stands for, or None when it is new.

        Tokens are case insensitive.
        """
        with self.lock:
            return self._tokens.get((account_id, region, token.lower()))

    def get(self, execution_id: str) -> Execution | None:
        """The execution with this id in whatever account and Region, or None."""
        with self.lock:
            return self._executions.get(execution_id)

    def all(self) -> list[Execution]:
        """Every execution, in the order in which they were started."""
        with self.lock:
            return list(self._executions.values())

    def within(self, account_id: str, region: str) -> list[Execution]:
        """The executions of one account and Region, in the order in which they were started."""
        return [run for run in self.all() if (run.account_id, run.region) == (account_id, region)]

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the store while something in it is changed, then tell that it was."""
        with self.lock:
            yield
        self.on_change()

    def dump(self) -> bytes:
        """Everything, as bytes for `load`."""
        with self.lock:
            return pickle.dumps((self._executions, self._tokens), protocol=pickle.HIGHEST_PROTOCOL)

    def load(self, data: bytes) -> None:
        """Replace the contents by what `dump` gave. Only ever hand in bytes that this program wrote."""
        executions, tokens = pickle.loads(data)  # noqa: S301 - our own state file, in our own directory
        with self.lock:
            self._executions, self._tokens = executions, tokens
