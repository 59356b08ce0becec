"""How requests are made whose members are tried, and how it is seen what came of them."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions

from tests.sandbox.coverage.world import COMMAND_TEXT, ENDED, TAGS, World, text_of

SETTING = "/ssm/automation/throttling-retry-time-limit"
ABSENT_ID = "00000000-0000-4000-8000-000000000000"
YAML = "schemaVersion: '0.3'\nmainSteps:\n- name: nap\n  action: aws:sleep\n  inputs:\n    Duration: PT0S\n"
ON_VALUES = {"TargetParameterName": "Item", "Targets": [{"Key": "ParameterValues", "Values": ["a", "b"]}]}
IN_MAPS = {"TargetParameterName": "Item", "TargetMaps": [{"Item": ["a"]}]}
PLACE = {"Accounts": ["123456789012"], "Regions": ["us-east-1"]}
ALARM = {"Alarms": [{"Name": "members"}]}
# What is another each time.
VOLATILE = ("Id", "Date", "Time", "EndedAt", "ExpiresAfter", "NextToken", "ResponseMetadata")

Request = dict[str, Any]
Look = Callable[[World, Request], Any]
Make = Callable[[World], Request]


@dataclass(frozen=True)
class Operation:
    """How the members of an operation are tried.

    `look` sends a request and tells what came of it. `base` makes a request that succeeds; `others` has other
    values for members that it has; `more` makes members that it has not, with what they need beside them.
    """

    look: Look
    base: Make
    others: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Make] = field(default_factory=dict)


# --- what came of a request ---


def refusal_or(world: World, method: str, request: Request) -> Any:
    """The answer, or the error's code and message."""
    try:
        return getattr(world.ssm, method)(**request)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]


def plain(value: Any) -> Any:
    """An answer without what is another each time."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not key.endswith(VOLATILE)}
    return [plain(item) for item in value] if isinstance(value, list) else value


def asking(method: str) -> Look:
    """The answer, without what is another each time."""
    return lambda world, request: plain(refusal_or(world, method, request))


def reading(method: str) -> Look:
    """The answer of an operation that changes nothing: its ids tell what was found."""

    def look(world: World, request: Request) -> Any:
        found = refusal_or(world, method, request)
        if isinstance(found, dict):
            found = {key: item for key, item in found.items() if key not in {"ResponseMetadata", "NextToken"}}
        return found

    return look


def started(world: World, request: Request) -> Any:
    """What a start leads to, and whether a second one leads elsewhere."""
    first = refusal_or(world, "start_automation_execution", request)
    if isinstance(first, tuple):
        return first
    execution_id = first["AutomationExecutionId"]
    again = world.ssm.start_automation_execution(**request)["AutomationExecutionId"]
    found = world.until(execution_id, *ENDED, "Waiting")
    tags = world.ssm.list_tags_for_resource(ResourceType="Automation", ResourceId=execution_id)["TagList"]
    return plain({**found, "StepExecutions": len(found["StepExecutions"])}), tags, execution_id == again


def stopped(world: World, request: Request) -> Any:
    given = refusal_or(world, "stop_automation_execution", request)
    if isinstance(given, tuple):
        return given
    return world.until(request["AutomationExecutionId"])["AutomationExecutionStatus"]


def previewed(world: World, request: Request) -> Any:
    made = refusal_or(world, "start_execution_preview", request)
    if isinstance(made, tuple):
        return made
    return plain(world.ssm.get_execution_preview(ExecutionPreviewId=made["ExecutionPreviewId"]))


def tagging(method: str) -> Look:
    def look(world: World, request: Request) -> Any:
        given = refusal_or(world, method, request)
        resource = {"ResourceType": "Automation", "ResourceId": request["ResourceId"]}
        return (
            given
            if isinstance(given, tuple)
            else refusal_or(world, "list_tags_for_resource", resource)["TagList"]
        )

    return look


def described(method: str) -> Look:
    """The refusal of a change to a document, or how it is described and read afterwards."""

    def look(world: World, request: Request) -> Any:
        given = refusal_or(world, method, request)
        if isinstance(given, tuple):
            return given
        name = request["Name"]
        after = [
            plain(refusal_or(world, reader, {"Name": name, "DocumentVersion": version}))
            for reader in ("describe_document", "get_document")
            for version in ("$DEFAULT", "$LATEST")
        ]
        return json.loads(json.dumps(after, default=str).replace(name, "NAME"))

    return look


def deleted(world: World, request: Request) -> Any:
    given = refusal_or(world, "delete_document", request)
    if isinstance(given, tuple):
        return given
    found = refusal_or(world, "list_document_versions", {"Name": request["Name"]})
    return (
        found[0]
        if isinstance(found, tuple)
        else [each["DocumentVersion"] for each in found["DocumentVersions"]]
    )


def shared(world: World, request: Request) -> Any:
    given = refusal_or(world, "modify_document_permission", request)
    if isinstance(given, tuple):
        return given
    asked = {"Name": request["Name"], "PermissionType": "Share"}
    return world.ssm.describe_document_permission(**asked)["AccountSharingInfoList"]


def cancelled(world: World, request: Request) -> Any:
    given = refusal_or(world, "cancel_command", request)
    if isinstance(given, tuple):
        return given
    found = world.ssm.list_commands(CommandId=request["CommandId"])["Commands"][0]
    return [found["StatusDetails"], found["CompletedCount"]]


def setting(method: str) -> Look:
    """What becomes of the setting, which was 5 before."""

    def look(world: World, request: Request) -> Any:
        world.ssm.update_service_setting(SettingId=SETTING, SettingValue="5")
        try:
            given = refusal_or(world, method, request)
            if isinstance(given, tuple):
                return given
            return world.ssm.get_service_setting(SettingId=SETTING)["ServiceSetting"]["SettingValue"]
        finally:
            world.ssm.reset_service_setting(SettingId=SETTING)

    return look


# --- requests ---


def always(**request: Any) -> Make:
    return lambda _world: dict(request)


def after(*names: str) -> Make:
    """A request of nothing, once these things of the world are there."""

    def make(world: World) -> Request:
        assert all(getattr(world, name) for name in names)
        return {}

    return make


def on_some(**request: Any) -> Make:
    return lambda world: {"Name": world.some, **request}


def on_new(**request: Any) -> Make:
    return lambda world: {"Name": world.document(), **request}


def on_held(**request: Any) -> Make:
    return lambda world: {"AutomationExecutionId": world.held(), **request}


def on_tagged(**request: Any) -> Make:
    return lambda world: {"ResourceType": "Automation", "ResourceId": world.held(Tags=TAGS), **request}


def next_page(method: str, of: Make | None = None) -> Make:
    def make(world: World) -> Request:
        page = {"MaxResults": 1}
        return {
            **page,
            "NextToken": getattr(world.ssm, method)(**(of(world) if of else {}), **page)["NextToken"],
        }

    return make


def new_document(world: World) -> Request:
    return {"Name": world.name(), "Content": text_of(), "DocumentType": "Automation"}


def attached(world: World) -> Request:
    """A text that asks for a file, and the file."""
    files = {"code.py": {"checksums": {"sha256": hashlib.sha256(b"code").hexdigest()}}}
    source = {"Key": "S3FileUrl", "Values": [f"s3://{world.bucket}/code.py"], "Name": "code.py"}
    return {"Content": text_of(files=files), "Attachments": [source]}


def to_share(**request: Any) -> Make:
    """A document that is shared with two accounts."""

    def make(world: World) -> Request:
        asked = {"Name": world.document(), "PermissionType": "Share"}
        world.ssm.modify_document_permission(**asked, AccountIdsToAdd=["111111111111", "222222222222"])
        return {**asked, **request}

    return make


def command(world: World) -> Request:
    return {
        "DocumentName": world.command_document,
        "DocumentVersion": "1",
        "DocumentHash": hashlib.sha256(COMMAND_TEXT.encode()).hexdigest(),
        "DocumentHashType": "Sha256",
        "InstanceIds": [world.instance],
        "Parameters": {"commands": ["ls"]},
    }


def first_command(world: World) -> Request:
    return {"CommandId": world.commands[0]}


def first_invocation(world: World) -> Request:
    return {**first_command(world), "InstanceId": world.instance, "PluginName": "aws:runShellScript"}
