"""The runs that are tracked: in the sandbox, and as rows of the portal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from benchmarks.runs import Runs
from benchmarks.servers import REGION, Server

NAME = "Benchmark-Tracking"
STEPS, STEP_SECONDS = 4, 15
TEXT = json.dumps(
    {
        "schemaVersion": "0.3",
        "description": "Sleeps four times.",
        "mainSteps": [
            {"name": f"nap{number}", "action": "aws:sleep", "inputs": {"Duration": f"PT{STEP_SECONDS}S"}}
            for number in range(STEPS)
        ],
    }
)
PATTERN = {
    "source": ["aws.ssm"],
    "detail-type": [
        "EC2 Automation Execution Status-change Notification",
        "EC2 Automation Step Status-change Notification",
    ],
}


def populate(server: Server, runs: int) -> list[str]:
    """Have the sandbox take that many runs; returns their ids."""
    starter = Runs(server)
    starter.register(NAME, TEXT)
    return starter.start(NAME, [{}] * runs)


def make_rows(server: Server, aws_ids: Sequence[str], read_rate: float, queue_url: str) -> int:
    """Make the runs' rows, as they stand when AWS has taken them; returns their target.

    read_rate: as of AwsTarget. queue_url: of the queue of events, "" for none.
    """
    from accounts.models import User
    from aws.laboratory import PORTAL_USER, Key, LaboratoryAccount
    from aws.vault import seal
    from common.clock import now
    from executions.models import Execution, Status
    from tests.support import factories

    root = Key(server.keys["aws_access_key_id"], server.keys["aws_secret_access_key"])
    account = LaboratoryAccount(endpoint_url=server.url, root=root)
    laboratory = account.provision(external_id="benchmark")
    key = account.new_key(PORTAL_USER)
    if queue_url:
        _let_in(server, laboratory.portal_role_arn.rpartition("/")[2])
    target = factories.make_target(
        account_id=laboratory.account_id,
        endpoint_url=server.url,
        role_arn=laboratory.portal_role_arn,
        external_id="benchmark",
        access_key_id=key.access_key_id,
        sealed_secret=seal({"secret_access_key": key.secret_access_key}),
        start_rate=1.0,
        read_rate=read_rate,
        events_queue_url=queue_url,
    )
    person = User.objects.create_user("operator")
    version = factories.make_document(person, name=NAME, text=TEXT)
    delegation = factories.make_delegation(version, target, None, person)
    Execution.objects.bulk_create(
        (
            Execution(
                delegation=delegation,
                operator=person,
                version=version,
                target=target,
                content_hash=version.sha256,
                aws_document_name=NAME,
                aws_document_version="1",
                status=Status.PENDING,
                aws_execution_id=aws_id,
                claimed_at=now(),
                started_at=now(),
            )
            for aws_id in aws_ids
        ),
        batch_size=500,
    )
    return int(target.pk)


def make_queue(server: Server) -> str:
    """Make a queue to which EventBridge delivers Automation's events; returns its address."""
    sqs, events = server.client("sqs"), server.client("events")
    url = str(sqs.create_queue(QueueName="automation-events")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name="automation", EventPattern=json.dumps(PATTERN), State="ENABLED")
    events.put_targets(Rule="automation", Targets=[{"Id": "portal", "Arn": arn}])
    return url


def _let_in(server: Server, role: str) -> None:
    """Let the portal's role read the queue."""
    statement = {
        "Effect": "Allow",
        "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage"],
        "Resource": f"arn:aws:sqs:{REGION}:*:automation-events",
    }
    server.client("iam").put_role_policy(
        RoleName=role,
        PolicyName="events",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def changes(
    server: Server, aws_ids: Sequence[str], begins: datetime, ends: datetime
) -> list[tuple[str, str, datetime]]:
    """What the sandbox says has happened meanwhile: run, step ("" for its end) and moment."""
    found: list[tuple[str, str, datetime]] = []
    ssm = server.client("ssm", connections=8)

    def read(aws_id: str) -> None:
        run = ssm.get_automation_execution(AutomationExecutionId=aws_id)["AutomationExecution"]
        steps = [(step["StepName"], step.get("ExecutionStartTime")) for step in run["StepExecutions"]]
        for step, at in [*steps, ("", run.get("ExecutionEndTime"))]:
            if at is not None and begins <= at <= ends:
                found.append((aws_id, step, at))

    listed = ssm.get_paginator("describe_automation_executions").paginate(
        Filters=[{"Key": "ExecutionStatus", "Values": ["InProgress", "Success"]}]
    )
    known = set(aws_ids)
    begun = [
        row["AutomationExecutionId"]
        for page in listed
        for row in page["AutomationExecutionMetadataList"]
        if row["AutomationExecutionId"] in known
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, begun))
    return found


def delays(happened: Sequence[tuple[str, str, datetime]]) -> list[float]:
    """For each change the seconds until an event of it was kept; infinite for one that never was."""
    from executions.models import ExecutionEvent, Status

    shown: dict[tuple[str, str], datetime] = {}
    events = ExecutionEvent.objects.filter(kind__in=["step-started", "step-ended", "status"]).order_by("at")
    for aws_id, kind, data, at in events.values_list("execution__aws_execution_id", "kind", "data", "at"):
        if kind != "status":
            shown.setdefault((aws_id, data["step"]), at)
        elif data["status"] == Status.SUCCESS:
            shown.setdefault((aws_id, ""), at)
    never = datetime.max.replace(tzinfo=UTC)
    return sorted((shown.get((run, step), never) - at).total_seconds() for run, step, at in happened)
