"""Where automations are kept: by account and Region, with the client tokens that started them."""

import contextlib
import pickle
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from sandbox.automation.ids import ids
from sandbox.automation.records import Execution
from sandbox.automation.service_settings import ServiceSettings

# The beginnings of the keys under which each is kept.
_EXECUTION, _TOKEN, _SETTINGS = "execution/", "token/", "settings"


class Expected(NamedTuple):
    """A child that is about to be started: of which execution, and in which account and Region."""

    parent_id: str
    place: tuple[str, str]


class Store:
    """Thread-safe keeper of executions.

    `on_change` is called (without arguments) after every change, so that whoever saves state knows;
    `on_move` with each execution that may have changed, while the store is held.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.on_change: Callable[[], None] = lambda: None
        self.on_move: Callable[[Execution], None] = lambda _: None
        self.service_settings = ServiceSettings()
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._within: defaultdict[tuple[str, str], list[Execution]] = defaultdict(list)
        self._children: defaultdict[str, list[Execution]] = defaultdict(list)
        self._expected: dict[str, Expected] = {}
        # Executions that changed or came, in that order, and tokens that came since the state was asked for.
        self._changed: dict[str, None] = {}
        self._new_tokens: list[tuple[str, str, str]] = []

    def new_id(self, token: str | None = None) -> str:
        """An id for an execution that `token` starts; under a seed one that earlier runs of it had too."""
        child = token if token is not None and self.parent_of(token) else ""
        with self.lock:
            while (fresh := ids.execution_id(child)) in self._executions:
                child = ""
            return fresh

    def add(self, execution: Execution, *, token: str | None = None, request: str = "") -> Execution | None:
        """Keep a new execution, and the token and request that it must be found by again.

        When a request with the same token came first, nothing is kept and its execution is returned.
        """
        with self.changing():
            if token is None:
                self._keep(execution)
                return None
            key = (execution.account_id, execution.region, token.lower())
            if key in self._tokens:
                return self._executions[self._tokens[key][0]]
            self._disown(execution, token.lower())
            self._keep(execution)
            self._tokens[key] = (execution.id, request)
            self._new_tokens.append(key)
            return None

    def _disown(self, execution: Execution, token: str) -> None:
        """Tokens can be guessed: elsewhere than the child, an execution with its token is nobody's child."""
        expected = self._expected.get(token)
        if expected is None:
            return
        if (execution.account_id, execution.region) == expected.place:
            del self._expected[token]
        else:
            execution.parent_id = None

    def _keep(self, execution: Execution) -> None:
        self._changed[execution.id] = None
        self._executions[execution.id] = execution
        self._within[execution.account_id, execution.region].append(execution)
        if execution.parent_id:
            self._children[execution.parent_id].append(execution)

    def started_by(self, account_id: str, region: str, token: str) -> tuple[str, str] | None:
        """The execution id and request that `token` stands for, or None when it is new.

        Tokens are case insensitive.
        """
        with self.lock:
            return self._tokens.get((account_id, region, token.lower()))

    def expect_child(self, token: str, parent_id: str, place: tuple[str, str]) -> None:
        """Know the execution that will be started with `token` as a child of the one with `parent_id`.

        `place` are the account and Region in which it will be.
        """
        with self.lock:
            self._expected[token.lower()] = Expected(parent_id, place)

    def parent_of(self, token: str | None) -> str | None:
        """The id of the execution of which the one started with `token` is a child, or None."""
        with self.lock:
            expected = self._expected.get(token.lower()) if token else None
            return expected.parent_id if expected else None

    def children(self, parent_id: str) -> list[Execution]:
        """The executions that the one with `parent_id` has started, the oldest first."""
        with self.lock:
            return list(self._children.get(parent_id, ()))

    def throttling_limit(self, execution: Execution) -> int:
        """For how many seconds a step of the execution tries a throttled call again."""
        return self.service_settings.get(execution.account_id, execution.region).seconds

    def level(self, execution: Execution) -> int:
        """How many executions stand above this one: 0 for one that nothing but a call has started."""
        level, parent_id = 0, execution.parent_id
        with self.lock:
            while parent_id and (parent := self._executions.get(parent_id)):
                level, parent_id = level + 1, parent.parent_id
        return level

    def get(self, execution_id: str) -> Execution | None:
        """The execution with this id in whatever account and Region, or None."""
        # Without the lock: the runner asks while it holds its own, which others take while they hold ours.
        return self._executions.get(execution_id)

    def all(self) -> list[Execution]:
        """Every execution, in the order in which they were started."""
        with self.lock:
            return list(self._executions.values())

    def within(self, account_id: str, region: str) -> list[Execution]:
        """The executions of one account and Region, in the order in which they were started."""
        with self.lock:
            return list(self._within.get((account_id, region), ()))

    @contextlib.contextmanager
    def changing(self, execution: Execution | None = None) -> Iterator[None]:
        """Hold the store while something is changed, then tell that it was.

        execution: the one of which something is changed. A change of one that is not named is not kept.
        """
        with self.lock:
            if execution is not None:
                self._changed[execution.id] = None
            yield
            if execution is not None:
                self.on_move(execution)
        self.on_change()

    def changes(self) -> dict[str, bytes | None]:
        """What is new since the last call, as bytes for `load`."""
        with self.lock:
            kept: dict[str, Any] = {_SETTINGS: self.service_settings}
            kept.update((_EXECUTION + key, self._executions[key]) for key in self._changed)
            kept.update((_TOKEN + "/".join(key), self._tokens[key]) for key in self._new_tokens)
            changes: dict[str, bytes | None] = {
                key: pickle.dumps(value, pickle.HIGHEST_PROTOCOL) for key, value in kept.items()
            }
            self._changed.clear()
            self._new_tokens.clear()
            return changes

    def load(self, kept: Mapping[str, bytes]) -> None:
        """Replace the contents by what `changes` gave. Only ever hand in bytes that this program wrote."""
        with self.lock:
            for contents in (self._executions, self._tokens, self._within, self._children):
                contents.clear()
            for key, data in kept.items():
                value = pickle.loads(data)  # noqa: S301 - our own state file
                if key.startswith(_EXECUTION):
                    self._keep(value)
                elif key.startswith(_TOKEN):
                    account_id, region, token = key.removeprefix(_TOKEN).split("/", 2)
                    self._tokens[account_id, region, token] = value
                else:
                    self.service_settings = value
            self._changed.clear()
            self._new_tokens.clear()
