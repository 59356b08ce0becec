"""Run Command's operations, in the shapes of botocore's model.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.responses import SimpleSystemManagerResponse

from sandbox.automation.api.errors import InvalidFilterKey
from sandbox.automation.api.listing import read_place, write_place
from sandbox.automation.api.validation import validate
from sandbox.identity import current_principal
from sandbox.services.commands.errors import InvalidCommandId, InvalidPluginName, InvocationDoesNotExist
from sandbox.services.commands.records import Command, Invocation
from sandbox.services.commands.sending import send

PAGE = 50
_SENT_ON = ("Comment", "DocumentName", "NotificationConfig", "CloudWatchOutputConfig")
_COMMAND_FILTERS: Mapping[str, Callable[[Command, str, dt.datetime], bool]] = {
    "DocumentName": lambda command, value, _: command.request["DocumentName"] == value,
    "InvokedAfter": lambda command, value, _: command.requested_at >= _moment(value),
    "InvokedBefore": lambda command, value, _: command.requested_at < _moment(value),
    "Status": lambda command, value, now: value in command.now(now),
    "ExecutionStage": lambda command, value, now: value == _stage(command.now(now)[0]),
}


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidFilterKey(f"The filter value {text} is no date and time in ISO 8601.") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _stage(status: str) -> str:
    return "Executing" if status in {"Pending", "InProgress", "Cancelling"} else "Complete"


class RunCommandResponse(SimpleSystemManagerResponse):
    """Answers Run Command's operations; method names are those that moto dispatches to."""

    def send_command(self) -> ActionResult:
        request = self._checked("SendCommand")
        command = send(self.ssm_backend, request, current_principal(), self._now())
        self._commands().append(command)
        return ActionResult({"Command": _command_shape(command, command.requested_at)})

    def list_commands(self) -> ActionResult:
        request = self._checked("ListCommands")
        now = self._now()
        found = [each for each in self._chosen(request) if _passes(each, request, now)]
        shown, token = self._page([_command_shape(each, now) for each in reversed(found)], request)
        return ActionResult({"Commands": shown, "NextToken": token})

    def list_command_invocations(self) -> ActionResult:
        request = self._checked("ListCommandInvocations")
        now = self._now()
        found = [
            _invocation_shape(command, invocation, now, details=bool(request.get("Details")))
            for command in reversed(list(self._chosen(request)))
            for invocation in command.invocations
            if request.get("InstanceId") in (None, invocation.instance_id)
            and _passes(command, request, now, invocation)
        ]
        shown, token = self._page(found, request)
        return ActionResult({"CommandInvocations": shown, "NextToken": token})

    def get_command_invocation(self) -> ActionResult:
        request = self._checked("GetCommandInvocation")
        command = self._command(request["CommandId"])
        invocation = command.invocation(request["InstanceId"])
        if invocation is None:
            raise InvocationDoesNotExist
        if request.get("PluginName") not in (None, command.plugin):
            raise InvalidPluginName
        return ActionResult(_result_shape(command, invocation, self._now()))

    def cancel_command(self) -> ActionResult:
        request = self._checked("CancelCommand")
        command, now = self._command(request["CommandId"]), self._now()
        for invocation in command.invocations:
            if invocation.instance_id in (request.get("InstanceIds") or command.instance_ids):
                invocation.cancel(now)
        return EmptyResult()

    def _checked(self, operation: str) -> dict[str, Any]:
        request: dict[str, Any] = json.loads(self.body or "{}")
        validate(operation, request)
        return request

    def _now(self) -> dt.datetime:
        from sandbox.automation.service import clock

        return clock.now()

    def _commands(self) -> list[Command]:
        # Kept where moto keeps its own, and so with moto's state.
        commands: Any = self.ssm_backend._commands
        found: list[Command] = commands
        return found

    def _command(self, command_id: str) -> Command:
        found = next((each for each in self._commands() if each.id == command_id), None)
        if found is None:
            raise InvalidCommandId
        return found

    def _chosen(self, request: Mapping[str, Any]) -> Sequence[Command]:
        found = [self._command(request["CommandId"])] if request.get("CommandId") else self._commands()
        wanted = request.get("InstanceId")
        return [each for each in found if wanted is None or wanted in each.instance_ids]

    def _page(
        self, items: list[dict[str, Any]], request: Mapping[str, Any]
    ) -> tuple[list[dict[str, Any]], str | None]:
        start = read_place(request.get("NextToken"))
        end = start + (request.get("MaxResults") or PAGE)
        return items[start:end], write_place(end) if end < len(items) else None


def _passes(
    command: Command, request: Mapping[str, Any], now: dt.datetime, invocation: Invocation | None = None
) -> bool:
    for each in request.get("Filters") or []:
        if each["key"] == "Status" and invocation is not None:
            passes = each["value"] in invocation.now(now)
        else:
            passes = _COMMAND_FILTERS[each["key"]](command, each["value"], now)
        if not passes:
            return False
    return True


def _command_shape(command: Command, now: dt.datetime) -> dict[str, Any]:
    request = command.request
    status, details = command.now(now)
    details_of_all = [each.now(now)[1] for each in command.invocations if each.ended(now)]
    return _without_nothing(
        {
            "CommandId": command.id,
            "DocumentVersion": command.version,
            "ExpiresAfter": command.expires_at,
            "RequestedDateTime": command.requested_at,
            "Status": status,
            "StatusDetails": details,
            "InstanceIds": request.get("InstanceIds") or [],
            "Targets": request.get("Targets") or [],
            "Parameters": request.get("Parameters") or {},
            "MaxConcurrency": request.get("MaxConcurrency") or "50",
            "MaxErrors": request.get("MaxErrors") or "0",
            "TargetCount": len(command.invocations),
            "CompletedCount": len(details_of_all),
            "ErrorCount": command.errors(now),
            "DeliveryTimedOutCount": details_of_all.count("DeliveryTimedOut"),
            "ServiceRole": request.get("ServiceRoleArn") or "",
            "TimeoutSeconds": request.get("TimeoutSeconds"),
            "OutputS3Region": request.get("OutputS3Region"),
            "OutputS3BucketName": request.get("OutputS3BucketName"),
            "OutputS3KeyPrefix": request.get("OutputS3KeyPrefix"),
            **{name: request.get(name) for name in _SENT_ON},
        }
    )


def _invocation_shape(
    command: Command, invocation: Invocation, now: dt.datetime, *, details: bool
) -> dict[str, Any]:
    status, status_details = invocation.now(now)
    plugin = {
        "Name": command.plugin,
        "Status": status,
        "StatusDetails": status_details,
        "ResponseCode": invocation.response_code if invocation.ended(now) else -1,
        "ResponseStartDateTime": invocation.starts_at if invocation.delivered else None,
        "ResponseFinishDateTime": invocation.ends_at if invocation.ended(now) else None,
        "Output": invocation.plugin_output() if invocation.ended(now) else "",
        "OutputS3Region": command.request.get("OutputS3Region"),
        "OutputS3BucketName": command.request.get("OutputS3BucketName"),
        "OutputS3KeyPrefix": command.request.get("OutputS3KeyPrefix"),
    }
    return _without_nothing(
        {
            "CommandId": command.id,
            "InstanceId": invocation.instance_id,
            "InstanceName": "",
            "DocumentVersion": command.version,
            "RequestedDateTime": command.requested_at,
            "Status": status,
            "StatusDetails": status_details,
            "CommandPlugins": [_without_nothing(plugin)] if details else [],
            "ServiceRole": command.request.get("ServiceRoleArn") or "",
            **{name: command.request.get(name) for name in _SENT_ON},
        }
    )


def _result_shape(command: Command, invocation: Invocation, now: dt.datetime) -> dict[str, Any]:
    status, details = invocation.now(now)
    ended = invocation.ended(now)
    started = invocation.delivered and now >= invocation.starts_at
    took = int((invocation.ends_at - invocation.starts_at).total_seconds())
    return _without_nothing(
        {
            "CommandId": command.id,
            "InstanceId": invocation.instance_id,
            "DocumentVersion": command.version,
            "PluginName": command.plugin,
            "ResponseCode": invocation.response_code if ended else -1,
            "ExecutionStartDateTime": _text(invocation.starts_at) if started else "",
            "ExecutionElapsedTime": f"PT{took}S" if started and ended else "",
            "ExecutionEndDateTime": _text(invocation.ends_at) if started and ended else "",
            "Status": status,
            "StatusDetails": details,
            "StandardOutputContent": invocation.output[:24_000] if ended else "",
            "StandardOutputUrl": "",
            "StandardErrorContent": invocation.error_output[:8_000] if ended else "",
            "StandardErrorUrl": "",
            **{name: command.request.get(name) for name in _SENT_ON if name != "NotificationConfig"},
        }
    )


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _without_nothing(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shape.items() if value is not None}
