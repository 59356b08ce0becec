"""Documents run by the real engine on a clock of the test's own, and clients whose answers are checked."""

import datetime as dt
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws

from sandbox.automation.calls import loader
from sandbox.automation.engine import Engine
from sandbox.automation.flow import parsed
from sandbox.automation.records import Execution, Signal, StepExecution
from sandbox.automation.store import Store
from ssmdoc import parameters as document_parameters
from tests.sandbox.conformance import watch as conforming
from tests.sandbox.conftest import Sandbox, start_sandbox, stop_sandbox

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FINISHED = {"Success", "Failed", "TimedOut", "Cancelled"}


class VirtualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> dt.datetime:
        return self.moment

    def move_to(self, moment: dt.datetime) -> None:
        self.moment = max(self.moment, moment)


class Trial:
    """Runs documents in this process: AWS is moto's, time is the test's, and the calls made are noted."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store = Store()
        self.calls: list[str] = []
        self._kept: dict[str, Any] = {}
        self.engine = Engine(store=self.store, clock=self.clock, client=self._client)
        self._ids = itertools.count()
        self._clients: dict[str, Any] = {}

    def begin(self, document: dict[str, Any], **values: list[str]) -> Execution:
        text = json.dumps({"schemaVersion": "0.3", **document})
        model = parsed(text, "JSON")
        execution = Execution(
            id=f"00000000-0000-0000-0000-{next(self._ids):012d}",
            account_id="123456789012",
            region="us-east-1",
            partition="aws",
            document_name="Trial",
            document_version="1",
            document_text=text,
            document_format="JSON",
            parameters=document_parameters.from_wire(model, values),
            executed_by="arn:aws:iam::123456789012:user/tester",
            caller=None,
            role_arn=None,
            started_at=self.clock.now(),
            steps=[StepExecution(name=step.name, action=step.action) for step in model.steps],
            upcoming=model.steps[0].name,
        )
        self.store.add(execution)
        return execution

    def advance(self, execution: Execution, *, until: dt.datetime | None = None) -> None:
        """Go on, moving the clock: to the end, to `until`, or until the run waits for a person."""
        while (due := self.engine.advance(execution)) is not None and execution.status != "Waiting":
            if until is not None and due > until:
                self.clock.move_to(until)
                return
            self.clock.move_to(due)

    def run(self, *steps: dict[str, Any], outputs: tuple[str, ...] = (), **values: list[str]) -> Execution:
        parameters = {name: {"type": "String"} for name in values}
        execution = self.begin(
            {"parameters": parameters, "mainSteps": list(steps), "outputs": list(outputs)}, **values
        )
        self.advance(execution)
        return execution

    def signal(self, execution: Execution, kind: str, sender: str, comment: str = "") -> None:
        record = execution.current_step
        assert record is not None
        record.signals.append(Signal(kind, sender, comment, self.clock.now()))
        record.wake_at = self.clock.now()
        self.advance(execution)

    def restart(self) -> Store:
        """What another process finds that loads what this one saved."""
        other = Store()
        self._kept.update(self.store.changes())
        other.load(self._kept)
        return other

    def _client(self, _execution: Execution, service: str) -> Any:
        if service not in self._clients:
            # With the loader of all sessions: botocore's models are big, and would be read anew in each test.
            core = botocore.session.Session()
            core.register_component("data_loader", loader())
            session = boto3.Session(botocore_session=core, region_name="us-east-1")
            client = self._clients[service] = session.client(service)
            client.meta.events.register(
                "before-call.*.*", lambda model, **_: self.calls.append(f"{service}:{model.name}")
            )
        return self._clients[service]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Trial()


@pytest.fixture(scope="session")
def timeless() -> Iterator[Sandbox]:
    """One more sandbox for all tests of the run, whose time leaps to whatever is due next."""
    running = start_sandbox("--clock", "virtual")
    yield running
    stop_sandbox(running)


@pytest.fixture
def ssm(sandbox: Any) -> Any:
    """Systems Manager as root."""
    return conforming(sandbox.client("ssm"))


@pytest.fixture
def make_document(ssm: Any) -> Callable[..., str]:
    """Create an Automation document of these steps, under a name of its own; returns the name."""

    def make(*steps: dict[str, Any], **document: Any) -> str:
        name = f"Trial-{time.time_ns()}"
        content = {"schemaVersion": "0.3", "mainSteps": list(steps), **document}
        ssm.create_document(
            Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(content)
        )
        return name

    return make


@pytest.fixture
def finish(ssm: Any) -> Callable[..., dict[str, Any]]:
    """Wait until an execution has a status (by default a final one); returns the AutomationExecution."""

    def wait(execution_id: str, *statuses: str, client: Any = None) -> dict[str, Any]:
        wanted = set(statuses) or FINISHED
        for _ in range(600):
            found: dict[str, Any] = (client or ssm).get_automation_execution(
                AutomationExecutionId=execution_id
            )["AutomationExecution"]
            if found["AutomationExecutionStatus"] in wanted:
                return found
            assert found["AutomationExecutionStatus"] not in FINISHED, found
            time.sleep(0.02)
        raise AssertionError(f"the execution never became {wanted}: {found}")

    return wait


@pytest.fixture
def automate(ssm: Any, make_document: Callable[..., str], finish: Callable[..., dict[str, Any]]) -> Any:
    """Run a document of these steps to its end, as `role` when given; returns the AutomationExecution."""

    def run(*steps: dict[str, Any], role: str | None = None, client: Any = None) -> dict[str, Any]:
        name = make_document(*steps, **({"assumeRole": role} if role else {}))
        started = (client or ssm).start_automation_execution(DocumentName=name)
        return finish(started["AutomationExecutionId"])

    return run
