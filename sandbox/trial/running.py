"""One trial: a document registered, started with fitting values, run to its end, and judged."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.moto_api._internal import mock_random

import ssmdoc
from sandbox.automation.records import Execution
from sandbox.fixtures.model import FixtureFile, StepFixture
from sandbox.fixtures.stage import Auto, Cast, Heard
from sandbox.trial.coverage import Coverage, coverage
from sandbox.trial.lab import Account, Lab
from sandbox.trial.library import Library, Source
from sandbox.trial.reasons import Reason, reason
from sandbox.trial.values import choose, prepare
from sandbox.trial.world.moves import move
from ssmdoc.analysis import steps as analysis

STEPS = "automation"
POLL_SECONDS = 0.003
MOST_CHILDREN = 40


@dataclass(frozen=True)
class Plan:
    """How documents are tried. `seconds` is the real time that one may take."""

    fixtures: FixtureFile = field(default_factory=FixtureFile)
    auto: Auto = "off"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    seconds: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """What a trial showed. `status` is None for a document that was not started."""

    document: str
    path: str
    expected: str
    registered: bool = False
    status: str | None = None
    reason: Reason | None = None
    values: Mapping[str, list[str]] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    coverage: Coverage | None = None
    steps: tuple[Mapping[str, Any], ...] = ()
    heard: tuple[Heard, ...] = ()
    results: tuple[tuple[str, StepFixture], ...] = ()
    wanting: Mapping[str, str] = field(default_factory=dict)
    virtual_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        return self.status == self.expected


def try_document(lab: Lab, source: Source, library: Library, plan: Plan) -> Outcome:
    """Run a trial of one document."""
    began = time.monotonic()
    # The ids of a document's resources do not depend on what was tried before it.
    mock_random.seed(f"{plan.seed} {source.name}")
    cast = Cast(plan.fixtures, plan.auto, plan.seed)
    with lab.account(source.name, cast) as account:
        cast.move = functools.partial(move, account.id)
        outcome = _Trial(lab, source, library=library, plan=plan, account=account, cast=cast).run()
    return _timed(outcome, time.monotonic() - began)


def _timed(outcome: Outcome, seconds: float) -> Outcome:
    return replace(outcome, seconds=round(seconds, 3))


class _Trial:
    def __init__(
        self, lab: Lab, source: Source, *, library: Library, plan: Plan, account: Account, cast: Cast
    ) -> None:
        self._lab = lab
        self._source = source
        self._library = library
        self._plan = plan
        self._account = account
        self._cast = cast
        self._expected = plan.fixtures.expected(source.name)

    def run(self) -> Outcome:
        try:
            for each in self._needed():
                self._register(each)
                if needed := ssmdoc.parse(each.text).document:
                    prepare(needed, self._account.world)
        except (ClientError, BotoCoreError) as error:
            return self._unstarted("CreateDocument refuses it", str(error), registered=False)
        document = ssmdoc.parse(self._source.text).document
        assert document is not None, "CreateDocument takes no text that holds no document"
        given = {**self._plan.fixtures.of(self._source.name).parameters, **self._plan.parameters}
        choice = choose(
            document,
            self._account.world,
            {name: value for name, value in given.items() if name in document.parameters},
            caller_arn=self._account.caller_arn,
            seed=self._plan.seed,
        )
        if choice.unfit:
            told = "; ".join(f"{name}: {why}" for name, why in sorted(choice.unfit.items()))
            return self._unstarted("no fitting values were found for its parameters", told)
        ssm = self._account.world.client("ssm")
        try:
            execution_id = ssm.start_automation_execution(
                DocumentName=self._source.name, Parameters=choice.values
            )["AutomationExecutionId"]
        except (ClientError, BotoCoreError) as error:
            return self._unstarted("StartAutomationExecution refuses it", str(error), values=choice.values)
        return self._judged(self._await(execution_id), choice.values)

    def _needed(self) -> Iterator[Source]:
        """The documents that the document runs, as far as they are at hand, and itself."""
        seen = {self._source.name}
        pending = [self._source]
        while pending and len(seen) < MOST_CHILDREN:
            document = ssmdoc.parse(pending.pop().text).document
            for step in document.walk() if document else ():
                for name in analysis.children(step):
                    found = self._library.find(name) if name not in seen else None
                    if found is not None:
                        seen.add(name)
                        pending.append(found)
                        yield found
        yield self._source

    def _register(self, source: Source) -> None:
        try:
            self._account.world.client("ssm").create_document(
                Name=source.name,
                Content=source.text,
                DocumentType="Automation",
                DocumentFormat="JSON" if source.text.lstrip().startswith("{") else "YAML",
            )
        except ClientError:
            # A child that cannot be registered is no fault of the document that runs it.
            if source is self._source:
                raise

    def _await(self, execution_id: str) -> Execution:
        deadline = time.monotonic() + self._plan.seconds
        execution = self._lab.store.get(execution_id)
        assert execution is not None, "an execution that was started is kept"
        while not execution.finished and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if not execution.finished:
            with contextlib.suppress(ClientError, BotoCoreError):
                self._account.world.client("ssm").stop_automation_execution(
                    AutomationExecutionId=execution_id, Type="Cancel"
                )
        return execution

    def _judged(self, execution: Execution, values: Mapping[str, list[str]]) -> Outcome:
        runs = self._lab.store.within(self._account.id, execution.region)
        why = None
        if not execution.finished:
            why = Reason(
                "sandbox",
                "it did not end",
                f"It had not ended after {self._plan.seconds:g} seconds.",
                execution.current_step.name if execution.current_step else None,
            )
        elif execution.status != "Success":
            why = reason(execution, self._cast.heard, [run for run in runs if run is not execution])
        ended = execution.ended_at or execution.started_at
        return Outcome(
            document=self._source.name,
            path=self._source.path,
            expected=self._expected,
            registered=True,
            status=execution.status if execution.finished else None,
            reason=why,
            values=values,
            outputs=dict(execution.outputs),
            coverage=coverage(execution),
            steps=tuple(_steps(execution)),
            heard=tuple(self._cast.heard),
            results=tuple(self._cast.results),
            wanting=dict(self._account.world.wanting),
            virtual_seconds=(ended - execution.started_at).total_seconds(),
        )

    def _unstarted(
        self,
        group: str,
        message: str,
        *,
        registered: bool = True,
        values: Mapping[str, list[str]] | None = None,
    ) -> Outcome:
        return Outcome(
            document=self._source.name,
            path=self._source.path,
            expected=self._expected,
            registered=registered,
            reason=Reason("start", group, message),
            values=values or {},
            wanting=dict(self._account.world.wanting),
        )


def _steps(execution: Execution) -> Iterator[dict[str, Any]]:
    for record in execution.steps:
        if record.status != "Pending":
            yield {
                "step": record.name,
                "action": record.action,
                "status": record.status,
                "message": record.failure.message if record.failure else "",
                "inputs": dict(record.inputs),
                "outputs": dict(record.outputs),
            }


def _successes(outcomes: Sequence[Outcome]) -> dict[str, int]:
    count = {"nothing made up": 0, "answers made up": 0, "steps made up": 0}
    for each in outcomes:
        if each.status == "Success":
            made_up = [call.service for call in each.heard if call.source == "made up"]
            steps = "steps made up" if STEPS in made_up else "answers made up"
            count[steps if made_up else "nothing made up"] += 1
    return count


def totals(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many documents ended how."""
    return {
        "documents": len(outcomes),
        "registered": sum(each.registered for each in outcomes),
        "started": sum(bool(each.steps) or each.status is not None for each in outcomes),
        "ended": sum(each.status is not None for each in outcomes),
        "success": sum(each.status == "Success" for each in outcomes),
        # Of the successes: those that needed nothing made up, answers of APIs only, whole steps.
        **_successes(outcomes),
        "as expected": sum(each.as_expected for each in outcomes),
    }
