"""What must hold when everything has ended, read from the portal's database and from AWS."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import Q

import audit.services
from executions.models import FINAL, Execution, ExecutionEvent, Signal, Status
from executions.transitions import LEGAL
from tests.crash import stage
from tests.crash.engines import Sandbox
from tests.crash.points import ASKING, LONG

RUN_TAG = "automation-portal:run"
# The state that an event's kind says the run is in from then on. "status" says it itself.
STATE_OF: Mapping[str, Status] = {
    "launched": Status.QUEUED,
    "sending": Status.STARTING,
    "started": Status.PENDING,
    "refused": Status.REFUSED,
    "failed": Status.FAILED,
    "lost": Status.LOST,
    "cancelled": Status.CANCELLED,
}
# Events that a run has at most once, and those that it never has: nothing here is refused for good.
ONCE = frozenset({"launched", "started", "cancel-requested", "stop-sent"})
NEVER = frozenset({"stop-refused", "answer-refused"})
ENOUGH = 10


@dataclass
class Verdict:
    """What was seen of a batch; `problems` are sentences, one for each thing that does not hold."""

    runs: int
    automations: int = 0
    lost: int = 0
    doubled: int = 0
    final: int = 0
    problems: list[str] = field(default_factory=list)

    def fault(self, sentence: str) -> None:
        """Note that something does not hold."""
        if len(self.problems) < ENOUGH:
            self.problems.append(sentence)


def judge(sandbox: Sandbox, runs: Mapping[uuid.UUID, str], since: datetime) -> Verdict:
    """Hold a batch's end against what must be.

    Arguments:
        runs: the runs that people launched, and their documents.
        since: a moment before the first of them.
    """
    verdict = Verdict(runs=len(runs))
    known = {run.pk: run for run in Execution.objects.filter(pk__in=list(runs))}
    verdict.lost = len(runs) - len(known)
    if verdict.lost:
        verdict.fault(f"{verdict.lost} launches that were answered are not in the database.")
    verdict.final = sum(run.status in FINAL for run in known.values())
    ours = automations(sandbox, since)
    for run_id, document in runs.items():
        if run_id in known:
            _judge_run(verdict, known[run_id], document, ours.get(str(run_id), []))
    everybody = set(map(str, Execution.objects.values_list("pk", flat=True)))
    for tag, found in ours.items():
        if tag not in everybody:
            verdict.doubled += len(found)
            verdict.fault(f"AWS has automations of no run: {', '.join(found)} (tag: {tag or 'none'}).")
    _judge_events(verdict, list(known))
    _judge_answers(verdict, sandbox, known, runs)
    broken = audit.services.first_break()
    if broken is not None:
        verdict.fault(f"The audit chain is broken at entry {broken}.")
    return verdict


def _judge_run(verdict: Verdict, run: Execution, document: str, found: Sequence[str]) -> None:
    verdict.automations += len(found)
    verdict.doubled += max(0, len(found) - 1)
    if len(found) > 1:
        verdict.fault(f"Run {run.pk} has {len(found)} automations: {', '.join(found)}.")
    if not found:
        verdict.lost += 1
        verdict.fault(f"Run {run.pk} is {run.status} and has no automation. {run.failure}")
    elif run.aws_execution_id not in found:
        verdict.fault(f"Run {run.pk} names {run.aws_execution_id or 'no automation'}; AWS has {found[0]}.")
    wanted = Status.CANCELLED if document == LONG else Status.SUCCESS
    if run.status != wanted:
        verdict.fault(f"Run {run.pk} ({document}) is {run.status}, not {wanted}. {run.failure}")


def automations(sandbox: Sandbox, since: datetime) -> dict[str, list[str]]:
    """Return the ids of AWS's automations since then, by the run that their tag names ("" without one)."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for region in stage.REGIONS:
        ssm = sandbox.client("ssm", region)
        pages = ssm.get_paginator("describe_automation_executions").paginate(
            Filters=[{"Key": "StartTimeAfter", "Values": [since.strftime("%Y-%m-%dT%H:%M:%SZ")]}]
        )
        for page in pages:
            for row in page["AutomationExecutionMetadataList"]:
                aws_id = row["AutomationExecutionId"]
                tags = ssm.list_tags_for_resource(ResourceType="Automation", ResourceId=aws_id)["TagList"]
                found[next((tag["Value"] for tag in tags if tag["Key"] == RUN_TAG), "")].append(aws_id)
    return dict(found)


def _judge_events(verdict: Verdict, keys: Sequence[uuid.UUID]) -> None:
    """Numbers without a gap, states in a legal order, and nothing that a person asked told twice."""
    events: defaultdict[uuid.UUID, list[ExecutionEvent]] = defaultdict(list)
    for event in ExecutionEvent.objects.filter(execution__in=keys).order_by("execution", "number"):
        events[event.execution_id].append(event)
    newest = dict(Execution.objects.filter(pk__in=keys).values_list("pk", "last_event"))
    statuses = dict(Execution.objects.filter(pk__in=keys).values_list("pk", "status"))
    for key in keys:
        rows = events[key]
        if [row.number for row in rows] != list(range(1, newest[key] + 1)):
            verdict.fault(f"The events of run {key} are not numbered from 1 to {newest[key]} without a gap.")
        path = _path(rows)
        for before, after in pairwise(path):
            if before in FINAL or after not in LEGAL[before] | {before}:
                verdict.fault(f"Run {key} went from {before} to {after}: {' → '.join(path)}.")
        if not path or path[-1] != statuses[key]:
            verdict.fault(f"The events of run {key} end with {path[-1:]}, its row with {statuses[key]}.")
        kinds = Counter(row.kind for row in rows)
        for kind in (*(kind for kind in ONCE if kinds[kind] > 1), *(kind for kind in NEVER if kinds[kind])):
            verdict.fault(f"Run {key} has {kinds[kind]} events “{kind}”.")
        steps = Counter((row.kind, row.data.get("step", row.message)) for row in rows)
        for kind, step in (named for named in steps if named[0] in {"answered", "answer-sent"}):
            if steps[kind, step] > 1:
                verdict.fault(f"Run {key} has {steps[kind, step]} events “{kind}” of one step.")


def _path(rows: Sequence[ExecutionEvent]) -> list[Status]:
    path: list[Status] = []
    for row in rows:
        if row.kind == "status":
            path.append(Status(row.data["status"]))
        elif row.kind == "postponed" and path and path[-1] == Status.STARTING:
            path.append(Status.QUEUED)
        elif row.kind in STATE_OF:
            path.append(STATE_OF[row.kind])
    return path


def _judge_answers(
    verdict: Verdict, sandbox: Sandbox, known: Mapping[uuid.UUID, Execution], runs: Mapping[uuid.UUID, str]
) -> None:
    """Each answer reached AWS once."""
    open_still = Signal.objects.filter(Q(sent_at=None, failure="") | ~Q(failure=""), execution__in=list(runs))
    for answer in open_still:
        verdict.fault(
            f"The answer to {answer.execution_id} is not settled, or refused: {answer.failure or 'open'}."
        )
    clients: dict[str, Any] = {}
    for run_id, document in runs.items():
        run = known.get(run_id)
        if document != ASKING or run is None or not run.aws_execution_id:
            continue
        ssm = clients.setdefault(run.target.region, sandbox.client("ssm", run.target.region))
        told = ssm.get_automation_execution(AutomationExecutionId=run.aws_execution_id)
        for step in told["AutomationExecution"]["StepExecutions"]:
            decisions = "".join(step.get("Outputs", {}).get("ApproverDecisions", []))
            mine = decisions.count(stage.answer_to(step["StepName"]))
            if (mine, decisions.count("yes to")) != (1, 1):
                verdict.fault(
                    f"“{step['StepName']}” of run {run_id} was answered by others, too: {decisions}"
                )
