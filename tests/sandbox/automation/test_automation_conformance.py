"""A tour of all operations of Automation: each answers as botocore's model says, with every member it can.

That nothing else is answered is checked of every call of every test: see `tests.sandbox.conformance`.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest
from botocore.model import OperationModel

from tests.sandbox import conformance

# Change Manager, OpsCenter, State Manager and access requests are not in the sandbox.
CHANGES = {
    "AutomationSubtype",
    "ScheduledTime",
    "Runbooks",
    "OpsItemId",
    "AssociationId",
    "ChangeRequestName",
}
NEVER = {
    "AutomationExecution": CHANGES | {"WarningMessage"},
    "AutomationExecutionMetadata": CHANGES | {"WarningMessage"},
    "StepExecution": {"WarningMessage", "TriggeredAlarms"},
    "AutomationExecutionPreview": set(),
    "GetExecutionPreviewResponse": {"StatusMessage"},
    "GetCalendarStateResponse": set(),
    "DescribeDocumentPermissionResponse": set(),
    "ListDocumentsResult": set(),
    "DocumentIdentifier": {"Requires", "ReviewStatus", "Author"},
}
PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}
FAIL = {
    "name": "fail",
    "action": "aws:executeAwsApi",
    "inputs": {"Service": "ec2", "Api": "DescribeInstances", "InstanceIds": ["{{ Item }}"]},
    "timeoutSeconds": 60,
    "onFailure": "Continue",
    "nextStep": "loop",
}
LOOP = {
    "name": "loop",
    "action": "aws:loop",
    "inputs": {
        "Iterators": ["a"],
        "Steps": [{"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}],
    },
}
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
DTSTART:20300110T080000Z
DTEND:20300110T170000Z
END:VEVENT
END:VCALENDAR"""


class Tour:
    """A client of Systems Manager that notes which operations were called and which members they answered."""

    def __init__(self, client: Any) -> None:
        self.ssm = client
        self.called: set[str] = set()
        self.members: dict[str, set[str]] = {}
        client.meta.events.register("before-parse.ssm.*", self._note)

    def _note(self, operation_model: OperationModel, response_dict: dict[str, Any], **_: Any) -> None:
        self.called.add(operation_model.name)
        if response_dict["status_code"] < 300 and operation_model.output_shape is not None:
            self._walk(json.loads(response_dict["body"] or "{}"), operation_model.output_shape)

    def _walk(self, value: Any, shape: Any) -> None:
        if shape.type_name == "structure":
            self.members.setdefault(shape.name, set()).update(value)
            for name, item in value.items():
                self._walk(item, shape.members[name])
        elif shape.type_name in {"list", "map"}:
            member = shape.member if shape.type_name == "list" else shape.value
            for item in value if shape.type_name == "list" else value.values():
                self._walk(item, member)

    def document(self, *steps: dict[str, Any], **more: Any) -> str:
        name = f"Tour-{uuid.uuid4()}"
        content = {
            "schemaVersion": "0.3",
            "parameters": {"Item": {"type": "String", "default": "i-0"}},
            "variables": {"Count": {"type": "Integer", "default": 1}},
            "mainSteps": list(steps),
        }
        self.ssm.create_document(
            Name=name,
            DocumentType="Automation",
            Content=json.dumps(content),
            TargetType="/AWS::EC2::Instance",
            DisplayName="Tour",
            Tags=[{"Key": "tour", "Value": "yes"}],
            **more,
        )
        return name


@pytest.fixture
def tour(sandbox: Any) -> Iterator[Tour]:
    yield Tour(sandbox.client("ssm"))


def refused(call: Any, /, **parameters: Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.fixture
def places(sandbox):
    """The address of a file of target locations."""
    s3, bucket = sandbox.client("s3"), f"tour-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    place = {"Accounts": ["123456789012"], "Regions": ["us-east-1"]}
    s3.put_object(Bucket=bucket, Key="places.json", Body=json.dumps([place]).encode())
    return f"https://{bucket}.s3.us-east-1.amazonaws.com/places.json"


def test_every_operation_answers_with_every_member_that_it_can(tour, finish, places):
    _visit_executions(tour, finish, places)
    _visit_documents(tour)
    _visit_calendars_and_previews(tour)
    assert tour.called >= conformance.EMULATED
    model = tour.ssm.meta.service_model
    for name, never in NEVER.items():
        lacking = set(model.shape_for(name).members) - tour.members[name]
        assert lacking == never, name


def _visit_executions(tour: Tour, finish: Any, places: str) -> None:
    ssm = tour.ssm
    simple, held = tour.document(FAIL, LOOP, PAUSE), tour.document(PAUSE)
    alarm = {"Alarms": [{"Name": "tour-alarm"}]}

    def run(*statuses: str, **request: Any) -> dict[str, Any]:
        started = ssm.start_automation_execution(**request)["AutomationExecutionId"]
        found: dict[str, Any] = finish(started, *statuses, client=ssm)
        steps = ssm.describe_automation_step_executions(AutomationExecutionId=started, MaxResults=2)
        assert steps["StepExecutions"]
        return found

    waiting = run("Waiting", DocumentName=simple)["AutomationExecutionId"]
    ssm.describe_automation_executions(MaxResults=1)
    resume = {"AutomationExecutionId": waiting, "SignalType": "Resume", "Payload": {"StepName": ["hold"]}}
    ssm.send_automation_signal(**resume)
    finish(waiting, client=ssm)
    tagged = {"ResourceType": "Automation", "ResourceId": waiting}
    ssm.add_tags_to_resource(**tagged, Tags=[{"Key": "tour", "Value": "yes"}])
    assert ssm.list_tags_for_resource(**tagged)["TagList"]
    ssm.remove_tags_from_resource(**tagged, TagKeys=["tour"])
    run(DocumentName=held, AlarmConfiguration=alarm)
    on_values = {"TargetParameterName": "Item", "Targets": [{"Key": "ParameterValues", "Values": ["a", "b"]}]}
    parent = run("InProgress", DocumentName=held, **on_values)["AutomationExecutionId"]
    ssm.stop_automation_execution(AutomationExecutionId=parent)
    mapped = run(DocumentName=tour.document(LOOP), TargetMaps=[{"Item": ["a"]}])["AutomationExecutionId"]
    children = [{"Key": "ParentExecutionId", "Values": [mapped]}]
    (child,) = ssm.describe_automation_executions(Filters=children)["AutomationExecutionMetadataList"]
    ssm.get_automation_execution(AutomationExecutionId=child["AutomationExecutionId"])
    run(DocumentName=held, TargetLocationsURL=places, **on_values)
    ssm.describe_automation_executions()
    request = {"DocumentName": held, "Runbooks": [{"DocumentName": held}]}
    assert refused(ssm.start_change_request_execution, **request) == "NoLongerSupportedException"


def _visit_documents(tour: Tour) -> None:
    ssm, name = tour.ssm, tour.document(LOOP, VersionName="first")
    # Before it has another version, which says less of itself.
    ssm.list_documents(Filters=[{"Key": "Name", "Values": [name]}])
    changed = json.dumps({"schemaVersion": "0.3", "mainSteps": [LOOP]})
    ssm.update_document(Name=name, Content=changed, DocumentVersion="1")
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    assert len(ssm.list_document_versions(Name=name)["DocumentVersions"]) == 2
    assert ssm.get_document(Name=name)["Content"] == changed
    assert ssm.describe_document(Name=name)["Document"]["DefaultVersion"] == "2"
    ssm.list_documents(MaxResults=1)
    sharing = {"Name": name, "PermissionType": "Share"}
    accounts = [f"{number:012d}" for number in range(1, 3)]
    ssm.modify_document_permission(**sharing, AccountIdsToAdd=accounts)
    ssm.describe_document_permission(**sharing, MaxResults=1)
    ssm.modify_document_permission(**sharing, AccountIdsToRemove=accounts)
    ssm.delete_document(Name=name)


def _visit_calendars_and_previews(tour: Tour) -> None:
    ssm, name = tour.ssm, f"Tour-{uuid.uuid4()}"
    ssm.create_document(Name=name, DocumentType="ChangeCalendar", DocumentFormat="TEXT", Content=CALENDAR)
    ssm.get_calendar_state(CalendarNames=[name], AtTime="2030-01-10T09:00:00Z")
    inputs = {"TargetParameterName": "Item", "Targets": [{"Key": "ParameterValues", "Values": ["a"]}]}
    started = ssm.start_execution_preview(
        DocumentName=tour.document(LOOP), ExecutionInputs={"Automation": inputs}
    )
    ssm.get_execution_preview(ExecutionPreviewId=started["ExecutionPreviewId"])


# --- the check itself ---


@pytest.fixture
def stop_model(sandbox: Any) -> OperationModel:
    return sandbox.client("ssm").meta.service_model.operation_model("StopAutomationExecution")


@pytest.fixture
def get_model(sandbox: Any) -> OperationModel:
    return sandbox.client("ssm").meta.service_model.operation_model("GetAutomationExecution")


@pytest.mark.parametrize(
    "execution",
    [
        {"Colour": "red"},
        {"AutomationExecutionStatus": "Fine"},
        {"Outputs": {"a": "b"}},
        {"StepExecutionsTruncated": "no"},
        {"TriggeredAlarms": [{"Name": "a"}]},
        {"ProgressCounters": {"TotalSteps": True}},
    ],
)
def test_the_check_finds_what_the_model_does_not_have(get_model, execution):
    with pytest.raises(AssertionError):
        conformance.check_answer(get_model, 200, json.dumps({"AutomationExecution": execution}).encode())


def test_the_check_finds_errors_that_are_not_the_operations(stop_model):
    for code, good in (
        ("AutomationExecutionNotFoundException", True),
        ("ThrottlingException", True),
        ("InvalidTarget", False),
        ("NotImplemented", False),
    ):
        body = json.dumps({"__type": code, "message": "why"}).encode()
        if good:
            conformance.check_answer(stop_model, 400, body)
        else:
            with pytest.raises(AssertionError):
                conformance.check_answer(stop_model, 400, body)
