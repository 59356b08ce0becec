"""For each operation: requests that each of its members makes a difference to, and how that is seen."""

from collections.abc import Mapping

from tests.sandbox.coverage.requests import (
    ABSENT_ID,
    ALARM,
    IN_MAPS,
    ON_VALUES,
    PLACE,
    SETTING,
    YAML,
    Operation,
    Request,
    after,
    always,
    asking,
    attached,
    cancelled,
    command,
    deleted,
    described,
    first_command,
    first_invocation,
    new_document,
    next_page,
    on_held,
    on_new,
    on_some,
    on_tagged,
    previewed,
    reading,
    setting,
    shared,
    started,
    stopped,
    tagging,
    to_share,
)
from tests.sandbox.coverage.world import TAGS, World, text_of

DESCRIBE_EXECUTIONS = "describe_automation_executions"
DESCRIBE_STEPS = "describe_automation_step_executions"
LIST_COMMANDS = "list_commands"
LIST_INVOCATIONS = "list_command_invocations"
PERMISSIONS = "describe_document_permission"
FILTER_COMMANDS = [{"key": "DocumentName", "value": "AWS-RunPowerShellScript"}]


def of_ended(world: World) -> Request:
    return {"AutomationExecutionId": world.ended}


OPERATIONS: Mapping[str, Operation] = {
    "StartAutomationExecution": Operation(
        started,
        lambda world: {"DocumentName": world.some},
        {"DocumentName": "Absent"},
        {
            "DocumentVersion": always(DocumentVersion="2"),
            "Parameters": always(Parameters={"Item": ["i-9"]}),
            "ClientToken": lambda world: {"ClientToken": world.token()},
            "Mode": always(Mode="Interactive"),
            "TargetParameterName": always(**ON_VALUES),
            "Targets": always(**ON_VALUES),
            "TargetMaps": always(**IN_MAPS),
            "MaxConcurrency": always(**ON_VALUES, MaxConcurrency="7"),
            "MaxErrors": always(**ON_VALUES, MaxErrors="7"),
            "TargetLocations": always(TargetLocations=[PLACE]),
            "TargetLocationsURL": lambda world: {"TargetLocationsURL": world.file("locations", [PLACE])},
            "Tags": always(Tags=TAGS),
            "AlarmConfiguration": always(AlarmConfiguration=ALARM),
        },
    ),
    "GetAutomationExecution": Operation(
        reading("get_automation_execution"), of_ended, {"AutomationExecutionId": ABSENT_ID}
    ),
    "DescribeAutomationExecutions": Operation(
        reading(DESCRIBE_EXECUTIONS),
        after("ended", "other_ended"),
        {},
        {
            "Filters": lambda world: {"Filters": [{"Key": "ExecutionId", "Values": [world.ended]}]},
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page(DESCRIBE_EXECUTIONS),
        },
    ),
    "DescribeAutomationStepExecutions": Operation(
        reading(DESCRIBE_STEPS),
        of_ended,
        {"AutomationExecutionId": ABSENT_ID},
        {
            "Filters": always(Filters=[{"Key": "StepName", "Values": ["again"]}]),
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page(DESCRIBE_STEPS, of_ended),
            "ReverseOrder": always(ReverseOrder=True),
        },
    ),
    "StopAutomationExecution": Operation(
        stopped, on_held(), {"AutomationExecutionId": ABSENT_ID}, {"Type": always(Type="Complete")}
    ),
    "SendAutomationSignal": Operation(
        asking("send_automation_signal"),
        on_held(SignalType="Resume", Payload={"StepName": ["hold"]}),
        {"AutomationExecutionId": ABSENT_ID, "SignalType": "Approve", "Payload": {"StepName": ["other"]}},
    ),
    "StartExecutionPreview": Operation(
        previewed,
        lambda world: {"DocumentName": world.some},
        {"DocumentName": "Absent"},
        {
            "DocumentVersion": always(DocumentVersion="2"),
            "ExecutionInputs": always(ExecutionInputs={"Automation": ON_VALUES}),
        },
    ),
    "GetExecutionPreview": Operation(
        asking("get_execution_preview"),
        lambda world: {"ExecutionPreviewId": world.preview},
        {"ExecutionPreviewId": ABSENT_ID},
    ),
    "GetCalendarState": Operation(
        asking("get_calendar_state"),
        lambda world: {"CalendarNames": [world.calendars[0]]},
        {"CalendarNames": ["Absent"]},
        {"AtTime": always(AtTime="2030-01-10T09:00:00Z")},
    ),
    "CreateDocument": Operation(
        described("create_document"),
        new_document,
        {"Name": "aws-reserved", "Content": text_of(description="other"), "DocumentType": "ChangeCalendar"},
        {
            "Requires": always(Requires=[{"Name": "Needed", "Version": "1"}]),
            "Attachments": attached,
            "DisplayName": always(DisplayName="Shown"),
            "VersionName": always(VersionName="named"),
            "DocumentFormat": always(DocumentFormat="YAML", Content=YAML),
            "TargetType": always(TargetType="/AWS::EC2::Instance"),
            "Tags": always(Tags=TAGS),
        },
    ),
    "UpdateDocument": Operation(
        described("update_document"),
        on_new(Content=text_of(description="3"), DocumentVersion="$LATEST"),
        {"Name": "Absent", "Content": text_of(description="4"), "DocumentVersion": "17"},
        {
            "Attachments": attached,
            "DisplayName": always(DisplayName="Shown"),
            "VersionName": always(VersionName="third"),
            "DocumentFormat": always(DocumentFormat="YAML", Content=YAML),
            "TargetType": always(TargetType="/AWS::EC2::Instance"),
        },
    ),
    "UpdateDocumentDefaultVersion": Operation(
        described("update_document_default_version"),
        on_new(DocumentVersion="1"),
        {"Name": "Absent", "DocumentVersion": "2"},
    ),
    "DeleteDocument": Operation(
        deleted,
        on_new(),
        {"Name": "Absent"},
        {
            "DocumentVersion": always(DocumentVersion="2"),
            "VersionName": always(VersionName="second"),
            "Force": always(Force=True),
        },
    ),
    "DescribeDocument": Operation(
        reading("describe_document"),
        on_some(),
        {"Name": "Absent"},
        {"DocumentVersion": always(DocumentVersion="2"), "VersionName": always(VersionName="second")},
    ),
    "GetDocument": Operation(
        reading("get_document"),
        on_some(),
        {"Name": "Absent"},
        {
            "DocumentVersion": always(DocumentVersion="2"),
            "VersionName": always(VersionName="second"),
            "DocumentFormat": always(DocumentFormat="YAML"),
        },
    ),
    "ListDocuments": Operation(
        reading("list_documents"),
        after("some", "calendars"),
        {},
        {
            "DocumentFilterList": always(DocumentFilterList=[{"key": "Name", "value": "Absent"}]),
            "Filters": always(Filters=[{"Key": "DocumentType", "Values": ["ChangeCalendar"]}]),
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page("list_documents"),
        },
    ),
    "ListDocumentVersions": Operation(
        reading("list_document_versions"),
        on_some(),
        {"Name": "Absent"},
        {
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page("list_document_versions", on_some()),
        },
    ),
    "ModifyDocumentPermission": Operation(
        shared,
        to_share(AccountIdsToAdd=["333333333333"]),
        {"Name": "Absent", "PermissionType": "Own", "AccountIdsToAdd": ["444444444444"]},
        {
            "AccountIdsToRemove": always(AccountIdsToRemove=["111111111111"]),
            "SharedDocumentVersion": always(SharedDocumentVersion="$LATEST"),
        },
    ),
    "DescribeDocumentPermission": Operation(
        reading(PERMISSIONS),
        lambda world: world.shared,
        {"Name": "Absent", "PermissionType": "Own"},
        {
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page(PERMISSIONS, lambda world: world.shared),
        },
    ),
    "AddTagsToResource": Operation(
        tagging("add_tags_to_resource"),
        on_tagged(Tags=[{"Key": "more", "Value": "yes"}]),
        {"ResourceType": "Document", "ResourceId": ABSENT_ID, "Tags": [{"Key": "more", "Value": "no"}]},
    ),
    "RemoveTagsFromResource": Operation(
        tagging("remove_tags_from_resource"),
        on_tagged(TagKeys=["team"]),
        {"ResourceType": "Document", "ResourceId": ABSENT_ID, "TagKeys": ["other"]},
    ),
    "ListTagsForResource": Operation(
        reading("list_tags_for_resource"), on_tagged(), {"ResourceType": "Document", "ResourceId": ABSENT_ID}
    ),
    "GetServiceSetting": Operation(
        asking("get_service_setting"), always(SettingId=SETTING), {"SettingId": "/ssm/other"}
    ),
    "UpdateServiceSetting": Operation(
        setting("update_service_setting"),
        always(SettingId=SETTING, SettingValue="7"),
        {"SettingId": "/ssm/other", "SettingValue": "8"},
    ),
    "ResetServiceSetting": Operation(
        setting("reset_service_setting"), always(SettingId=SETTING), {"SettingId": "/ssm/other"}
    ),
    "SendCommand": Operation(
        asking("send_command"),
        command,
        {
            "DocumentName": "Absent",
            "DocumentVersion": "2",
            "DocumentHash": "0" * 64,
            "DocumentHashType": "Sha1",
            "InstanceIds": ["i-0123456789abcdef0"],
            "Parameters": {"commands": ["pwd"]},
        },
        {
            "Targets": always(Targets=[{"Key": "tag:A", "Values": ["b"]}]),
            "TimeoutSeconds": always(TimeoutSeconds=77),
            "Comment": always(Comment="why"),
            "OutputS3Region": always(OutputS3Region="eu-west-1"),
            "OutputS3BucketName": always(OutputS3BucketName="bucket"),
            "OutputS3KeyPrefix": always(OutputS3KeyPrefix="prefix"),
            "MaxConcurrency": always(MaxConcurrency="7"),
            "MaxErrors": always(MaxErrors="7"),
            "ServiceRoleArn": always(ServiceRoleArn="arn:aws:iam::123456789012:role/notes"),
            "NotificationConfig": always(NotificationConfig={"NotificationArn": "arn:topic"}),
            "CloudWatchOutputConfig": always(CloudWatchOutputConfig={"CloudWatchLogGroupName": "group"}),
        },
    ),
    "ListCommands": Operation(
        reading(LIST_COMMANDS),
        after("commands"),
        {},
        {
            "CommandId": first_command,
            "InstanceId": always(InstanceId="i-0123456789abcdef0"),
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page(LIST_COMMANDS),
            "Filters": always(Filters=FILTER_COMMANDS),
        },
    ),
    "ListCommandInvocations": Operation(
        reading(LIST_INVOCATIONS),
        after("commands"),
        {},
        {
            "CommandId": first_command,
            "InstanceId": always(InstanceId="i-0123456789abcdef0"),
            "MaxResults": always(MaxResults=1),
            "NextToken": next_page(LIST_INVOCATIONS),
            "Filters": always(Filters=FILTER_COMMANDS),
            "Details": always(Details=True),
        },
    ),
    "GetCommandInvocation": Operation(
        reading("get_command_invocation"),
        first_invocation,
        {"CommandId": ABSENT_ID, "InstanceId": "i-0123456789abcdef0", "PluginName": "other"},
    ),
    "CancelCommand": Operation(
        cancelled,
        lambda world: {"CommandId": world.endless()},
        {"CommandId": ABSENT_ID},
        {"InstanceIds": always(InstanceIds=["i-0123456789abcdef0"])},
    ),
}
