"""StartAutomationExecution.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

import datetime as dt
import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
from moto.ssm.models import Document as StoredDocument

import ssmdoc
from sandbox.authorization import authorise, forward_access_session
from sandbox.automation import attachments
from sandbox.automation.api import sharing, targeting
from sandbox.automation.api.errors import (
    AccessDeniedException,
    AutomationDefinitionNotFoundException,
    AutomationDefinitionVersionNotFoundException,
    AutomationExecutionLimitExceededException,
    IdempotentParameterMismatch,
    InvalidAutomationExecutionParametersException,
    InvalidDocumentVersion,
    ValidationException,
)
from sandbox.automation.api.locations_file import with_locations
from sandbox.automation.clock import Clock
from sandbox.automation.fleets import RateControlled
from sandbox.automation.flow import parsed
from sandbox.automation.outcomes import InvalidInputs
from sandbox.automation.records import Execution, StepExecution
from sandbox.automation.runner import Runner
from sandbox.automation.sessions import Sessions, assume
from sandbox.automation.store import Store
from sandbox.automation.values import resolve, system_values_of, with_system_values
from sandbox.errors import AccessDenied, AwsError
from sandbox.identity import Principal
from ssmdoc import parameters as document_parameters
from ssmdoc import references

# Without an assume role: https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup.html
CALLER_HOURS = 12
MOST_TAGS = 5
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


@dataclass(frozen=True)
class Starter:
    """Starts executions: checks request, parameters and service role, then hands over to the runner."""

    store: Store
    runner: Runner
    sessions: Sessions
    clock: Clock

    def start(self, request: Mapping[str, Any], principal: Principal, region: str) -> str:
        """The id of the execution that the request starts, or has started before with its client token."""
        token = request.get("ClientToken")
        canonical = json.dumps({k: v for k, v in request.items() if k != "ClientToken"}, sort_keys=True)
        if token and (known := self.store.started_by(principal.account_id, region, token)):
            started = self.store.get(_same(known[0], known[1], canonical))
            assert started is not None, "a token is kept with its execution"
            # Whoever asks again, maybe another person, asks to pass the role on just as well.
            _check_passing(started, principal)
            return started.id
        execution = self._execution(with_locations(request), principal, region)
        if not self.runner.has_room(execution):
            raise AutomationExecutionLimitExceededException(
                "The number of simultaneously running Automation executions exceeded the allowable limit."
            )
        if self.store.add(execution, token=token, request=canonical) is not None:
            known = self.store.started_by(principal.account_id, region, str(token))
            assert known is not None
            return _same(known[0], known[1], canonical)
        self.runner.submit(execution)
        return execution.id

    def _execution(self, request: Mapping[str, Any], principal: Principal, region: str) -> Execution:
        stored = find_document(
            request["DocumentName"], request.get("DocumentVersion"), principal.account_id, region
        )
        document = parsed(stored.content, stored.document_format)
        now = self.clock.now()
        targeted = targeting.target_parameters(request, document)
        execution = Execution(
            id=self.store.new_id(request.get("ClientToken")),
            account_id=principal.account_id,
            region=region,
            partition=principal.partition,
            document_name=request["DocumentName"],
            document_version=stored.document_version,
            document_text=stored.content,
            document_format=stored.document_format,
            attachments={each.name: each.content for each in attachments.kept_with(stored)},
            parameters={},
            variables={
                name: variable.default
                for name, variable in document.variables.items()
                if variable.default is not ssmdoc.MISSING
            },
            tags=_tags(request.get("Tags") or []),
            executed_by=principal.arn,
            caller=None,
            role_arn=None,
            started_at=now,
            steps=[StepExecution(name=step.name, action=step.action) for step in document.steps],
            upcoming=document.steps[0].name if document.steps else None,
            parent_id=self.store.parent_of(request.get("ClientToken")),
            mode=request.get("Mode") or "Auto",
            alarm_configuration=request.get("AlarmConfiguration"),
        )
        system = system_values_of(execution, now)
        given = with_system_values(request.get("Parameters") or {}, system)
        execution.parameters = with_system_values(parameters(document, given, may_lack=targeted), system)
        execution.role_arn = _assume_role(execution, document, now)
        if execution.role_arn:
            _check_passing(execution, principal)
            _check_trust(execution, execution.role_arn)
        else:
            execution.caller = forward_access_session(principal)
            execution.deadline = now + dt.timedelta(hours=CALLER_HOURS)
        try:
            self._read_parameter_store(execution)
            if not targeting.runs_on_many(request):
                return execution
            fleet = targeting.fleet_of(
                request,
                lambda own: parameters(document, {**given, **own}),
                functools.partial(self.sessions.client, execution),
                stored.target_type,
            )
            return RateControlled.of(execution, fleet)
        finally:
            # Whether the execution begins is not decided yet; one that does gets its clients then.
            self.sessions.forget(execution)

    def _read_parameter_store(self, execution: Execution) -> None:
        """Put the value of each `{{ ssm:name }}` that stands in a parameter's default in its place."""

        def value_of(reference: references.Reference) -> str:
            if reference.kind != "ssm":
                raise LookupError(reference.expression)
            try:
                client = self.sessions.client(execution, "ssm")
                return str(client.get_parameter(Name=reference.name)["Parameter"]["Value"])
            except (botocore.exceptions.ClientError, AwsError) as error:
                raise InvalidAutomationExecutionParametersException(
                    f"The parameter {reference.name} of Parameter Store could not be read: {error}"
                ) from error

        for name, value in execution.parameters.items():
            if any(each.kind == "ssm" for each in references.find(value)):
                execution.parameters[name] = references.substitute(value, value_of, literal_unresolved=True)


def _same(execution_id: str, earlier: str, request: str) -> str:
    if earlier != request:
        raise IdempotentParameterMismatch(
            "The client token was used before with another request: use a new one, or send the same request."
        )
    return execution_id


def find_document(name: str, version: str | None, account_id: str, region: str) -> StoredDocument:
    """The stored version of an Automation document, by its name or, when it is shared, its ARN."""
    visible = sharing.find(name, account_id, region)
    if visible is None or visible.documents.get_default_version().document_type != "Automation":
        raise AutomationDefinitionNotFoundException(
            f"An Automation document with the name {name} could not be found."
        )
    try:
        return visible.version(version)
    except InvalidDocumentVersion as error:
        raise AutomationDefinitionVersionNotFoundException(
            f"An Automation document with the name {name} and version {version} could not be found."
        ) from error


def parameters(
    document: ssmdoc.Document, given: Mapping[str, list[str]], *, may_lack: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """Typed values of all parameters, defaults included; those of `may_lack` come later.

    Raises when one is unknown, missing or not allowed.
    """
    _wire, errors = document_parameters.validate(document, given)
    errors = {name: why for name, why in errors.items() if name not in may_lack or name in given}
    if errors:
        told = (f"{name}: {errors[name]}" for name in sorted(errors))
        raise InvalidAutomationExecutionParametersException(" ".join(told))
    return document_parameters.from_wire(document, given)


def _tags(tags: list[Mapping[str, str]]) -> dict[str, str]:
    if len(tags) > MOST_TAGS:
        raise ValidationException(
            f"An automation can be started with {MOST_TAGS} tags at most, not {len(tags)}."
        )
    return tags_of(tags)


def tags_of(tags: list[Mapping[str, str]]) -> dict[str, str]:
    """The values of `tags` by their keys. ValidationException for a key of those that AWS keeps to itself.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Tag.html
    """
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise ValidationException("aws: prefixed tag key names are not allowed for external use.")
    return {tag["Key"]: tag["Value"] for tag in tags}


def _assume_role(execution: Execution, document: ssmdoc.Document, now: dt.datetime) -> str | None:
    """The ARN of the service role, or None when the document names none or its parameter is left empty."""
    if document.assume_role is None:
        return None
    try:
        role = str(resolve(execution, document, document.assume_role, now)).strip()
    except InvalidInputs as error:
        raise InvalidAutomationExecutionParametersException(error.reason) from error
    if not role:
        return None
    if not ROLE_ARN.fullmatch(role):
        raise InvalidAutomationExecutionParametersException(
            "The format of the supplied assume role ARN is invalid."
        )
    return role


def _check_passing(execution: Execution, principal: Principal) -> None:
    """The caller must be allowed to pass the service role, if there is one, on to Systems Manager."""
    if execution.role_arn is None:
        return
    try:
        authorise(
            principal,
            "iam:PassRole",
            execution.role_arn,
            {"iam:PassedToService": "ssm.amazonaws.com", "iam:AssociatedResourceArn": execution.arn},
        )
    except AccessDenied as denied:
        raise AccessDeniedException(denied.message) from denied


def _check_trust(execution: Execution, role: str) -> None:
    try:
        assume(execution, role)
    except AccessDenied as denied:
        raise InvalidAutomationExecutionParametersException(
            "The defined assume role is unable to be assumed."
        ) from denied
