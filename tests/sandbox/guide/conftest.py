"""A sandbox on the virtual clock, in which the situations of the user guide's examples are built up."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest

from tests.sandbox.automation.conftest import FINISHED, conforming
from tests.sandbox.conftest import Sandbox, start_sandbox, stop_sandbox

ADMINISTRATOR = {"Effect": "Allow", "Action": "*", "Resource": "*"}
Step = dict[str, Any]


class Guide:
    """Runs documents as the account's root, through a service role that may do everything."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ssm = conforming(sandbox.client("ssm"))
        self.ec2 = sandbox.client("ec2")
        self._documents = 0

    @cached_property
    def role(self) -> str:
        """A service role for Systems Manager and Lambda."""
        services = {"Service": ["ssm.amazonaws.com", "lambda.amazonaws.com", "states.amazonaws.com"]}
        trust = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
        return self.sandbox.make_role("Automation", trust, ADMINISTRATOR)

    @cached_property
    def image(self) -> str:
        return str(self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"])

    def instance(self, **parameters: Any) -> str:
        """A running instance."""
        launched = self.ec2.run_instances(ImageId=self.image, MinCount=1, MaxCount=1, **parameters)
        return str(launched["Instances"][0]["InstanceId"])

    def document(self, *steps: Step, **document: Any) -> str:
        """Create an Automation document; returns its name."""
        self._documents += 1
        name = f"Guide-{self._documents}"
        content = {"schemaVersion": "0.3", "assumeRole": self.role, "mainSteps": list(steps), **document}
        self.ssm.create_document(
            Name=name, DocumentType="Automation", DocumentFormat="JSON", Content=json.dumps(content)
        )
        return name

    def start(self, *steps: Step, values: dict[str, list[str]] | None = None, **document: Any) -> str:
        """Start a document of these steps; returns the execution's id."""
        name = self.document(*steps, **document)
        started = self.ssm.start_automation_execution(DocumentName=name, Parameters=values or {})
        return str(started["AutomationExecutionId"])

    def run(self, *steps: Step, values: dict[str, list[str]] | None = None, **document: Any) -> "Run":
        """Run a document of these steps to its end."""
        return self.wait(self.start(*steps, values=values, **document))

    def wait(self, execution_id: str, *statuses: str) -> "Run":
        """The execution once it has one of the statuses, by default a final one."""
        for _ in range(1000):
            found = self.ssm.get_automation_execution(AutomationExecutionId=execution_id)
            if found["AutomationExecution"]["AutomationExecutionStatus"] in (statuses or FINISHED):
                return Run(found["AutomationExecution"])
            time.sleep(0.02)
        raise AssertionError(f"the execution did not become {statuses or FINISHED}: {found}")

    def make_function(self, name: str, code: str) -> None:
        """A Lambda function whose handler is `handler` of `code`."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", code)
        self.sandbox.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self.role,
            Handler="index.handler",
            Code={"ZipFile": packed.getvalue()},
        )


class Run:
    """An execution: its status, the steps that were begun, in order, and what they gave."""

    def __init__(self, execution: dict[str, Any]) -> None:
        self.execution = execution
        self.id = execution["AutomationExecutionId"]
        self.status = execution["AutomationExecutionStatus"]
        self.steps = [each for each in execution["StepExecutions"] if each["StepStatus"] != "Pending"]

    def __repr__(self) -> str:
        told = [(each["StepName"], each["StepStatus"], each.get("FailureMessage")) for each in self.steps]
        return f"{self.status} {self.execution.get('FailureMessage')} {told}"

    @property
    def order(self) -> list[str]:
        return [str(each["StepName"]) for each in self.steps]

    def step(self, name: str) -> dict[str, Any]:
        return next(each for each in self.steps if each["StepName"] == name)

    def output(self, step: str, name: str) -> list[str]:
        return list(self.step(step)["Outputs"][name])


def call(name: str, service: str, api: str, *outputs: tuple[str, str, str], **inputs: Any) -> Step:
    """An executeAwsApi step; an output is its name, selector and type."""
    return {
        "name": name,
        "action": "aws:executeAwsApi",
        "inputs": {"Service": service, "Api": api, **inputs},
        "outputs": [{"Name": each[0], "Selector": each[1], "Type": each[2]} for each in outputs],
    }


def sleep(name: str, duration: str = "PT3S", **step: Any) -> Step:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}, **step}


def command(name: str, instance: Any, text: str, document: str = "AWS-RunShellScript", **step: Any) -> Step:
    """A runCommand step on one instance."""
    inputs = {"DocumentName": document, "InstanceIds": [instance], "Parameters": {"commands": [text]}}
    return {"name": name, "action": "aws:runCommand", "inputs": inputs, **step}


@pytest.fixture(scope="package")
def guide() -> Iterator[Guide]:
    running = start_sandbox("--clock", "virtual")
    yield Guide(running)
    stop_sandbox(running)
