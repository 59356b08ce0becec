"""What requests to Systems Manager name: documents, executions, commands, files."""

import itertools
import json
import time
import uuid
from functools import cached_property
from typing import Any

from tests.sandbox.conftest import Sandbox

PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}
NAP = {"name": "nap", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}}
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//AWS//Change Calendar 1.0//EN
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
UID:one
DTSTAMP:20300101T000000Z
DTSTART:20300110T080000Z
DTEND:20300110T100000Z
SUMMARY:freeze
END:VEVENT
END:VCALENDAR"""
CLOSED = CALENDAR.replace("DEFAULT_OPEN", "DEFAULT_CLOSED")
COMMAND_TEXT = json.dumps(
    {
        "schemaVersion": "2.2",
        "description": "one",
        "parameters": {"commands": {"type": "StringList"}},
        "mainSteps": [
            {"name": "do", "action": "aws:runShellScript", "inputs": {"runCommand": "{{ commands }}"}}
        ],
    }
)
TAGS = [{"Key": "team", "Value": "blue"}]


def text_of(*steps: Any, **more: Any) -> str:
    content = {"schemaVersion": "0.3", "parameters": {"Item": {"type": "String", "default": "i-0"}}}
    return json.dumps({**content, "mainSteps": list(steps or [NAP]), **more})


class World:
    """A client of Systems Manager that checks nothing itself, and the things that requests name."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ssm = sandbox.client("ssm", parameter_validation=False)
        self._prefix, self._numbers = f"Members-{uuid.uuid4()}", itertools.count()

    def name(self) -> str:
        return f"{self._prefix}-{next(self._numbers)}"

    def document(self, *steps: Any, **request: Any) -> str:
        """A new automation document of two versions; the first is the default one."""
        name = self.name()
        kind = {"DocumentType": "Automation", "VersionName": "first"}
        self.ssm.create_document(**{"Name": name, "Content": text_of(*steps), **kind, **request})
        longer = text_of(*(steps or [NAP]), {**NAP, "name": "more"})
        self.ssm.update_document(Name=name, Content=longer, VersionName="second", DocumentVersion="$LATEST")
        return name

    def run(self, name: str, **request: Any) -> str:
        started = self.ssm.start_automation_execution(DocumentName=name, **request)
        return str(started["AutomationExecutionId"])

    def until(self, execution_id: str, *statuses: str) -> dict[str, Any]:
        for _ in range(500):
            found: dict[str, Any] = self.ssm.get_automation_execution(AutomationExecutionId=execution_id)
            status = found["AutomationExecution"]["AutomationExecutionStatus"]
            if status in (statuses or ENDED):
                return dict(found["AutomationExecution"])
            time.sleep(0.01)
        raise AssertionError(f"{execution_id} did not become {statuses or ENDED}: {found}")

    def held(self, **request: Any) -> str:
        """An execution that waits to be resumed."""
        execution_id = self.run(self.document(PAUSE), **request)
        self.until(execution_id, "Waiting")
        return execution_id

    @cached_property
    def some(self) -> str:
        """A document that nothing changes."""
        return self.document(NAP, TargetType="/AWS::EC2::Instance", DisplayName="Shown", Tags=TAGS)

    @cached_property
    def ended(self) -> str:
        """An execution of two steps that has ended."""
        execution_id = self.run(self.document(NAP, {**NAP, "name": "again"}))
        self.until(execution_id)
        return execution_id

    @cached_property
    def other_ended(self) -> str:
        """An execution that has ended, after `ended`."""
        self.until(self.ended)
        execution_id = self.run(self.document())
        self.until(execution_id)
        return execution_id

    @cached_property
    def preview(self) -> str:
        """An execution preview."""
        return str(self.ssm.start_execution_preview(DocumentName=self.some)["ExecutionPreviewId"])

    @cached_property
    def shared(self) -> dict[str, Any]:
        """A request that names a document which is shared with two accounts."""
        asked = {"Name": self.document(), "PermissionType": "Share"}
        accounts = ["111111111111", "222222222222"]
        self.ssm.modify_document_permission(**asked, AccountIdsToAdd=accounts)
        return asked

    def token(self) -> str:
        """A client token that was not used before."""
        return str(uuid.uuid4())

    @cached_property
    def bucket(self) -> str:
        """A bucket with the file `code.py`."""
        s3, name = self.sandbox.client("s3"), self._prefix.lower()
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="code.py", Body=b"code")
        return name

    def file(self, key: str, value: Any) -> str:
        """The address of a file that holds a value in JSON."""
        body = json.dumps(value).encode()
        self.sandbox.client("s3").put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"https://{self.bucket}.s3.us-east-1.amazonaws.com/{key}"

    @cached_property
    def instance(self) -> str:
        ec2 = self.sandbox.client("ec2")
        launched = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
        return str(launched["Instances"][0]["InstanceId"])

    @cached_property
    def commands(self) -> tuple[str, str]:
        """Two commands, one with a comment."""
        request = {
            "DocumentName": "AWS-RunShellScript",
            "InstanceIds": [self.instance],
            "Parameters": {"commands": ["ls"]},
        }
        first = self.ssm.send_command(**request)["Command"]["CommandId"]
        again = {**request, "DocumentName": "AWS-RunPowerShellScript", "Comment": "again"}
        return str(first), str(self.ssm.send_command(**again)["Command"]["CommandId"])

    @cached_property
    def command_document(self) -> str:
        """A command document of two versions."""
        name = self.name()
        self.ssm.create_document(Name=name, DocumentType="Command", Content=COMMAND_TEXT)
        self.ssm.update_document(Name=name, Content=COMMAND_TEXT.replace("one", "two"), DocumentVersion="1")
        return name

    def endless(self) -> str:
        """A command that does not end by itself."""
        self.sandbox.command_results("POST", Contains="endless", Status="InProgress")
        command = self.ssm.send_command(
            DocumentName="AWS-RunShellScript",
            InstanceIds=[self.instance],
            Parameters={"commands": ["endless"]},
        )
        return str(command["Command"]["CommandId"])

    @cached_property
    def calendars(self) -> tuple[str, str]:
        names = (self.name(), self.name())
        for name, content in zip(names, (CALENDAR, CLOSED), strict=True):
            self.ssm.create_document(
                Name=name, DocumentType="ChangeCalendar", DocumentFormat="TEXT", Content=content
            )
        return names
