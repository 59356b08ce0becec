"""Which members of each request the sandbox heeds. The others are refused by their names, not passed over.

docs/sandbox-coverage.md is made from this (see `sandbox.coverage`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.automation.actions import REGISTRY
from sandbox.automation.api.errors import ValidationException


@dataclass(frozen=True)
class Heeded:
    """The members that an operation heeds, what differs from AWS by member, and what else does."""

    members: frozenset[str]
    differs: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def _heeded(members: str, note: str = "", **differs: str) -> Heeded:
    return Heeded(frozenset(members.split()), differs, note)


_OTHER_KINDS = "For automations as AWS does it; for every other kind as moto does it."
_SETTING = "The settings of Systems Manager are this one: /ssm/automation/throttling-retry-time-limit."

OPERATIONS: Mapping[str, Heeded] = {
    "AddTagsToResource": _heeded("ResourceType ResourceId Tags", _OTHER_KINDS),
    "CancelCommand": _heeded("CommandId InstanceIds"),
    "CreateDocument": _heeded(
        "Content Requires Attachments Name DisplayName VersionName DocumentType DocumentFormat TargetType "
        "Tags",
        "The texts of automations and change calendars are judged; other types as moto does it.",
        Requires="It is kept and told, and nothing asks for what it names.",
    ),
    "DeleteDocument": _heeded(
        "Name DocumentVersion VersionName Force", Force="No document needs it: it changes nothing."
    ),
    "DescribeAutomationExecutions": _heeded(
        "Filters MaxResults NextToken",
        Filters="Change requests and OpsItems are not there: filters that ask for them find nothing.",
    ),
    "DescribeAutomationStepExecutions": _heeded(
        "AutomationExecutionId Filters NextToken MaxResults ReverseOrder"
    ),
    "DescribeDocument": _heeded("Name DocumentVersion VersionName"),
    "DescribeDocumentPermission": _heeded("Name PermissionType MaxResults NextToken"),
    "GetAutomationExecution": _heeded("AutomationExecutionId"),
    "GetCalendarState": _heeded("CalendarNames AtTime"),
    "GetCommandInvocation": _heeded("CommandId InstanceId PluginName"),
    "GetDocument": _heeded("Name VersionName DocumentVersion DocumentFormat"),
    "GetExecutionPreview": _heeded("ExecutionPreviewId", "Previews are kept until the sandbox stops."),
    "GetServiceSetting": _heeded("SettingId", _SETTING),
    "ListCommandInvocations": _heeded("CommandId InstanceId MaxResults NextToken Filters Details"),
    "ListCommands": _heeded("CommandId InstanceId MaxResults NextToken Filters"),
    "ListDocuments": _heeded(
        "DocumentFilterList Filters MaxResults NextToken", "Documents that AWS or vendors own are not there."
    ),
    "ListDocumentVersions": _heeded("Name MaxResults NextToken"),
    "ListTagsForResource": _heeded("ResourceType ResourceId", _OTHER_KINDS),
    "ModifyDocumentPermission": _heeded(
        "Name PermissionType AccountIdsToAdd AccountIdsToRemove SharedDocumentVersion"
    ),
    "RemoveTagsFromResource": _heeded("ResourceType ResourceId TagKeys", _OTHER_KINDS),
    "ResetServiceSetting": _heeded("SettingId", _SETTING),
    "SendAutomationSignal": _heeded(
        "AutomationExecutionId SignalType Payload",
        SignalType="Revoke is refused: there are no just-in-time access requests.",
    ),
    "SendCommand": _heeded(
        "InstanceIds Targets DocumentName DocumentVersion DocumentHash DocumentHashType TimeoutSeconds "
        "Comment Parameters OutputS3Region OutputS3BucketName OutputS3KeyPrefix MaxConcurrency MaxErrors "
        "ServiceRoleArn NotificationConfig CloudWatchOutputConfig",
        "Nothing runs on an instance: a command gives what was scripted for it, else it succeeds without "
        "output.",
        **{
            **REGISTRY["aws:runCommand"].differs,
            "DocumentName": "The account's own documents, and some forty of those that AWS owns.",
        },
    ),
    "StartAutomationExecution": _heeded(
        "DocumentName DocumentVersion Parameters ClientToken Mode TargetParameterName Targets TargetMaps "
        "MaxConcurrency MaxErrors TargetLocations TargetLocationsURL Tags AlarmConfiguration",
        DocumentName="Documents that AWS owns are not there.",
        TargetLocationsURL="A file in the sandbox's own S3, read as the caller may: a signature in it counts "
        "for nothing.",
    ),
    "StartExecutionPreview": _heeded("DocumentName DocumentVersion ExecutionInputs"),
    "StopAutomationExecution": _heeded("AutomationExecutionId Type"),
    "UpdateDocument": _heeded(
        "Content Attachments Name DisplayName VersionName DocumentVersion DocumentFormat TargetType"
    ),
    "UpdateDocumentDefaultVersion": _heeded("Name DocumentVersion"),
    "UpdateServiceSetting": _heeded("SettingId SettingValue", _SETTING),
}


def refuse_others(operation: str, request: Mapping[str, Any], modelled: Mapping[str, Any]) -> None:
    """Raise ValidationException for a member of the operation's model that the sandbox does not heed.

    Members that the model does not have are passed over, as AWS passes over them.
    """
    if (heeded := OPERATIONS.get(operation)) is None:
        return
    for name in sorted(set(modelled) - heeded.members):
        if request.get(name) is not None:
            raise ValidationException(
                f"The sandbox does not emulate the member {name} of {operation}: leave it out."
            )
