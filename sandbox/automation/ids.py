"""Ids of executions and steps: random, or, under a seed, the same ones again in the same order."""

import hashlib
import itertools
import threading
import uuid

from sandbox import settings


class Ids:
    """Makes ids. With a seed, an execution's follows from how many came before it, a step's from its run."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def execution_id(self, cause: str = "") -> str:
        """The id of a new execution; under a seed that of a child follows from its `cause`."""
        if self._seed is None:
            return str(uuid.uuid4())
        with self._lock:
            return self._derived(cause or f"execution {next(self._numbers)}")

    def step_id(self, execution_id: str, number: int) -> str:
        """The id of the step execution that is the `number`th of its run."""
        return str(uuid.uuid4()) if self._seed is None else self._derived(f"{execution_id} {number}")

    def _derived(self, name: str) -> str:
        digest = hashlib.sha256(f"{self._seed} {name}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))


ids = Ids(settings.current().seed)
