"""Steps rehearsed with answers in AWS's place, so that what they do can be compared."""

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import ServiceModel
from botocore.validate import validate_parameters

from sandbox.automation import calls
from sandbox.automation.api.shapes import step_shape
from sandbox.automation.records import Execution
from sandbox.automation.values import as_strings
from tests.sandbox.automation.conftest import START, Trial

VARIABLES = {"Word": {"type": "String", "default": "a"}, "Other": {"type": "String", "default": "b"}}
ATTACHED = "code.py"
NAP = {"action": "aws:sleep", "inputs": {"Duration": "PT0S"}}


@dataclass
class Trace:
    """What came of a step: the calls it made, and what the run and its records then were.

    `shown` are the step's inputs as the API shows them.
    """

    calls: list[tuple[str, Mapping[str, Any]]]
    status: str
    message: str | None
    order: list[str]
    seconds: float
    outputs: Mapping[str, list[str]]
    variables: Mapping[str, Any]
    shown: Mapping[str, str] = field(compare=False)

    def carries(self, value: Any) -> bool:
        """Whether some call carries the value, or each part of it when it is a list or a map."""
        carried = {text for _, params in self.calls for text in _leaves(params)}
        return set(_leaves(value)) <= carried

    def quotes(self, value: Any) -> bool:
        """Whether each part of the value stands in a text that some call carries."""
        texts = [text for _, params in self.calls for text in _leaves(params)]
        return all(any(part in text for text in texts) for part in _leaves(value))


def _leaves(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, item in value.items() for text in (str(key), *_leaves(item))]
    if isinstance(value, list):
        return [text for item in value for text in _leaves(item)]
    if isinstance(value, bytes):
        return [value.decode()]
    return [str(value).lower() if isinstance(value, bool) else str(value)]


class Rehearsal(Trial):
    """Runs one step, called `do`, among others: its calls are checked against botocore's model and answered.

    `answers` are given by `service:Operation`, in turn; the last one goes on for ever. Also what is no call
    of AWS (a script, a webhook) is noted here by `note`.
    """

    def __init__(self, answers: Mapping[str, list[Any]]) -> None:
        super().__init__()
        self.made: list[tuple[str, Mapping[str, Any]]] = []
        self._answers: dict[str, list[Any]] = {name: list(given) for name, given in answers.items()}

    def note(self, name: str, given: Mapping[str, Any]) -> Any:
        self.made.append((name, given))
        answers = self._answers.get(name) or [{}]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def trace(self, action: str, inputs: Mapping[str, Any], approver: str | None = None) -> Trace:
        steps = [
            {
                "name": "do",
                "action": action,
                "inputs": dict(inputs),
                "timeoutSeconds": 60,
                "isCritical": True,
            },
            {"name": "after", **NAP},
            {"name": "other", **NAP},
        ]
        run = self.begin({"variables": VARIABLES, "mainSteps": steps})
        run.variables.update({name: each["default"] for name, each in VARIABLES.items()})
        run.attachments = {ATTACHED: b"def main(e, c): ..."}
        self.advance(run)
        if approver and run.current_step is not None and run.current_step.signals == []:
            self.signal(run, "Approve", approver)
        record = next(each for each in run.steps if each.name == "do")
        return Trace(
            calls=self.made,
            status=run.status,
            message=run.failure_message,
            order=[each.name for each in run.steps if each.started_at],
            seconds=_seconds(record.started_at, record.ended_at),
            outputs={name: as_strings(value) for name, value in record.outputs.items()},
            variables=dict(run.variables),
            shown=step_shape(run, record)["Inputs"],
        )

    def _client(self, _execution: Execution, service: str) -> Any:
        return _Client(service, self)


def _seconds(started: dt.datetime | None, ended: dt.datetime | None) -> float:
    return ((ended or START) - (started or START)).total_seconds()


@functools.cache
def _model(service: str) -> ServiceModel:
    session = botocore.session.Session()
    session.register_component("data_loader", calls.loader())
    return session.get_service_model(service)


class _Client:
    """Looks like a client of boto3 to actions."""

    def __init__(self, service: str, rehearsal: Rehearsal) -> None:
        self._service = service.partition(":")[0]
        self._model = _model(self._service)
        self._rehearsal = rehearsal
        self.meta = self
        self.method_to_api_mapping = {xform_name(name): name for name in self._model.operation_names}

    def __getattr__(self, method: str) -> Any:
        operation = self._model.operation_model(self.method_to_api_mapping[method])

        def call(**params: Any) -> Any:
            validate_parameters(params, operation.input_shape)
            return self._rehearsal.note(f"{self._service}:{operation.name}", params)

        return call


@dataclass(frozen=True)
class Case:
    """How the inputs of one action are tried: each is given, alone and in place of the base's own.

    `arriving` are those whose value a call must carry (in a text that the call carries: `quoted`),
    `steering` those that must change what comes of the step, `shown` those that are only for people to read.
    `also` holds inputs that some input needs beside itself. `outputs` are answers with which further outputs
    come.
    """

    base: Mapping[str, Any]
    arriving: Mapping[str, Any] = field(default_factory=dict)
    quoted: Mapping[str, Any] = field(default_factory=dict)
    steering: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[str, list[Any]] = field(default_factory=dict)
    outputs: Mapping[str, list[Any]] = field(default_factory=dict)
    also: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    approver: str | None = None

    @property
    def tried(self) -> dict[str, Any]:
        return {**self.arriving, **self.quoted, **self.steering, **self.shown}

    def base_for(self, name: str) -> dict[str, Any]:
        """The inputs that the trace with the input `name` is compared to."""
        return {
            key: value for key, value in {**self.base, **self.also.get(name, {})}.items() if value is not None
        }
