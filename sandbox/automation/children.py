"""How the children of rate-controlled executions begin: on a target here, or in another account or Region."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.automation.clients import client_of
from sandbox.automation.clock import Clock
from sandbox.automation.fleets import Member, OnTarget, Place, RateControlled
from sandbox.automation.flow import document_of
from sandbox.automation.ids import ids
from sandbox.automation.records import Execution, StepExecution
from sandbox.automation.sessions import Sessions, automation_session_name
from sandbox.automation.store import Store
from ssmdoc import Document, references

EXECUTION_ROLE = "AWS-SystemsManager-AutomationExecutionRole"
# A TargetLocation's own members, by the members of a request that they stand in for.
AT_A_PLACE = {
    "Targets": "Targets",
    "MaxConcurrency": "TargetsMaxConcurrency",
    "MaxErrors": "TargetsMaxErrors",
    "AlarmConfiguration": "TargetLocationAlarmConfiguration",
}
# What holds at every place that says nothing else. The request's own alarm is watched where it was started.
PASSED_ON = ("DocumentVersion", "TargetParameterName", "TargetMaps", "Targets", "MaxConcurrency", "MaxErrors")


@dataclass(frozen=True)
class Children:
    """Begins children; `submit` has them run."""

    store: Store
    sessions: Sessions
    clock: Clock
    submit: Callable[[Execution], None]

    def begin(self, parent: RateControlled, member: Member) -> str:
        """Let the child of a member begin; returns its id.

        Errors: AwsError or botocore's ClientError when that is refused, in another account for example.
        """
        return self._at(parent, member, member.place) if member.place else self._on_target(parent, member)

    def _on_target(self, parent: RateControlled, member: Member) -> str:
        document = document_of(parent)
        child = OnTarget(
            id=ids.execution_id(f"child {member.step.id}"),
            account_id=parent.account_id,
            region=parent.region,
            partition=parent.partition,
            document_name=parent.document_name,
            document_version=parent.document_version,
            document_text=parent.document_text,
            document_format=parent.document_format,
            parameters={**parent.parameters, **member.parameters},
            variables=dict(parent.variables),
            executed_by=parent.executed_by,
            caller=parent.caller,
            role_arn=parent.role_arn,
            started_at=self.clock.now(),
            deadline=parent.deadline,
            steps=[StepExecution(name=step.name, action=step.action) for step in document.steps],
            upcoming=document.steps[0].name if document.steps else None,
            parent_id=parent.id,
            target=member.target,
        )
        # One change: whoever loads this state finds the child and knows whose it is.
        with self.store.changing(parent):
            self.store.add(child)
            member.child_id = child.id
        self.submit(child)
        return child.id

    def _at(self, parent: RateControlled, member: Member, place: Place) -> str:
        """Start the child as the execution role of that account, which the automation assumes.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/running-automations-multiple-accounts-regions.html
        """
        role = (
            f"arn:{parent.partition}:iam::{place.account_id}:role/"
            f"{place.location.get('ExecutionRoleName') or EXECUTION_ROLE}"
        )
        given = self.sessions.client(parent, "sts").assume_role(
            RoleArn=role, RoleSessionName=automation_session_name(parent.id)
        )["Credentials"]
        # The same token again after a restart: the child is found, and not started twice.
        token = str(uuid.uuid5(uuid.UUID(parent.id), member.target))
        self.store.expect_child(token, parent.id, (place.account_id, place.region))
        client = client_of(
            {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            },
            place.region,
            "ssm",
        )
        answer = client.start_automation_execution(ClientToken=token, **_request(parent, place, role))
        return str(answer["AutomationExecutionId"])


def _request(parent: RateControlled, place: Place, role: str) -> dict[str, Any]:
    given = parent.fleet.given
    document = parent.document_name
    if place.account_id != parent.account_id and not document.startswith(("arn:", "AWS", "Amazon")):
        # What belongs to this account must be shared with the other one, in each Region.
        document = f"arn:{parent.partition}:ssm:{place.region}:{parent.account_id}:document/{document}"
    request = {name: given[name] for name in PASSED_ON if given.get(name)}
    request |= {name: place.location[own] for name, own in AT_A_PLACE.items() if place.location.get(own)}
    parameters = dict(given.get("Parameters") or {})
    own_role = role_parameter(document_of(parent))
    if parent.role_arn and own_role:
        parameters[own_role] = [role]
    return {**request, "DocumentName": document, **({"Parameters": parameters} if parameters else {})}


def role_parameter(document: Document) -> str | None:
    """The name of the parameter that holds the document's assume role, None when no parameter does."""
    reference = references.whole(document.assume_role) if document.assume_role else None
    return reference.name if reference is not None and reference.kind == "parameter" else None
