"""aws:executeScript in PowerShell, over the wire; its scripts run in a stand-in (`tests.sandbox.pwsh`)."""

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.sandbox.automation.conftest import FINISHED
from tests.sandbox.conftest import Sandbox, start_sandbox, stop_sandbox
from tests.sandbox.pwsh import write_pwsh

Automate = Callable[..., dict[str, Any]]
TRUST = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
RUNTIMES = ("PowerShell Core 6.0", "PowerShell 7.0", "PowerShell 7.4")


@pytest.fixture(scope="module")
def powered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that finds the stand-in on its path of programs, as it would find PowerShell."""
    directory = tmp_path_factory.mktemp("programs")
    directory.chmod(0o755)
    write_pwsh(directory)
    running = start_sandbox(SANDBOX_PWSH="", PATH=f"{directory}:/usr/bin:/bin")
    yield running
    stop_sandbox(running)


def step(script: str | None, name: str = "script", **inputs: Any) -> dict[str, Any]:
    given = {"Runtime": "PowerShell 7.4", "Script": script, **inputs}
    return {
        "name": name,
        "action": "aws:executeScript",
        "inputs": {key: value for key, value in given.items() if value is not None},
    }


@pytest.fixture
def run(powered: Sandbox) -> Automate:
    ssm = powered.client("ssm")

    def run(*steps: dict[str, Any], attached: dict[str, str] | None = None, **document: Any) -> Any:
        name = f"PowerShell-{time.time_ns()}"
        content = {"schemaVersion": "0.3", "mainSteps": list(steps), **document}
        options: dict[str, Any] = {}
        if attached is not None:
            options["Attachments"] = [
                {"Key": "S3FileUrl", "Values": [attached["url"]], "Name": attached["name"]}
            ]
        ssm.create_document(
            Name=name,
            DocumentType="Automation",
            DocumentFormat="JSON",
            Content=json.dumps(content),
            **options,
        )
        execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        for _ in range(1000):
            found = ssm.get_automation_execution(AutomationExecutionId=execution_id)["AutomationExecution"]
            if found["AutomationExecutionStatus"] in FINISHED:
                return found
            time.sleep(0.02)
        raise AssertionError(found)

    return run


def payload(ended: dict[str, Any]) -> Any:
    assert ended["AutomationExecutionStatus"] == "Success", ended["FailureMessage"]
    return json.loads(ended["StepExecutions"][0]["Outputs"]["OutputPayload"][0])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_payload_is_in_the_environment_and_the_answer_is_the_payload(run: Automate, runtime: str):
    given = step('give "[$InputPayload]"', Runtime=runtime, InputPayload={"name": "value", "numbers": [1, 2]})
    given["outputs"] = [{"Name": "Second", "Selector": "$.Payload[0].numbers[1]", "Type": "Integer"}]
    ended = run(given, outputs=["script.Second"])
    told = payload(ended)
    assert told["Payload"] == [{"name": "value", "numbers": [1, 2]}]
    assert told["ExecutionLog"] == "options: -NoLogo -NoProfile -NonInteractive -File\n"
    assert ended["Outputs"]["script.Second"] == ["2"]


def test_a_step_without_a_payload_has_an_empty_one(run: Automate):
    assert payload(run(step('give "$InputPayload"')))["Payload"] == {}


def test_an_error_fails_the_step_with_its_message(run: Automate):
    ended = run(step("echo looking; fail RuntimeException 'The disk is full'"))
    assert ended["AutomationExecutionStatus"] == "Failed"
    assert "RuntimeException - The disk is full" in ended["FailureMessage"]
    logged = json.loads(ended["StepExecutions"][0]["Outputs"]["OutputPayload"][0])
    assert logged["ExecutionLog"].endswith("looking\n")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (step("exit 3"), "with the status 3"),
        (step("give no-json"), "is not JSON"),
        (step("give 1", Handler="main"), "PowerShell has no Handler"),
        (step(None, Attachment="absent.zip"), "has no attachment absent.zip"),
    ],
)
def test_what_cannot_be_done_says_so(run: Automate, given: dict[str, Any], words: str):
    files = {"absent.zip": {"checksums": {"sha256": "0" * 64}}} if "Attachment" in given["inputs"] else {}
    assert words in run(given, **({"files": files} if files else {}))["FailureMessage"]


def test_a_step_s_timeout_ends_its_script(run: Automate):
    ended = run({**step("sleep 60"), "timeoutSeconds": 1})
    assert ended["AutomationExecutionStatus"] == "TimedOut"


def test_it_has_the_role_s_session_and_no_other_secret(run: Automate, powered: Sandbox):
    allowed = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    role = powered.make_role(f"PowerShell-{time.time_ns()}", TRUST, allowed)
    log = payload(run(step("env; give 1"), assumeRole=role))["ExecutionLog"]
    found = dict(line.split("=", 1) for line in log.splitlines() if "=" in line)
    keys = {
        "aws_access_key_id": found["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": found["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": found["AWS_SESSION_TOKEN"],
    }
    identity = powered.client("sts", keys).get_caller_identity()["Arn"]
    assert identity.split("/")[1] == role.split("/")[1]
    assert found["AWS_REGION"] == "us-east-1"
    assert powered.root["aws_secret_access_key"] not in log
    assert not [name for name in found if name.startswith("SANDBOX")]
    assert "AWS_ACCESS_KEY_ID" not in payload(run(step("env; give 1")))["ExecutionLog"]


def test_an_attachment_is_unpacked_and_its_main_script_runs(run: Automate, powered: Sandbox):
    s3 = powered.client("s3")
    bucket = f"powershell-{time.time_ns()}"
    s3.create_bucket(Bucket=bucket)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Main.ps1", ". ./Modules/Helper.ps1; help_with main")
        archive.writestr("Modules/Helper.ps1", 'help_with() { give "[\\"$1\\"]"; }')
    s3.put_object(Bucket=bucket, Key="code.zip", Body=buffer.getvalue())
    s3.put_object(Bucket=bucket, Key="lone.ps1", Body=b"give 1")
    files = {"code.zip": {"checksums": {"sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}}}
    attached = {"name": "code.zip", "url": f"s3://{bucket}/code.zip"}
    alone = run(step(None, Attachment="code.zip"), attached=attached, files=files)
    both = run(
        step(". ./Modules/Helper.ps1; help_with script", Attachment="code.zip"),
        attached=attached,
        files=files,
    )
    assert (payload(alone)["Payload"], payload(both)["Payload"]) == (["main"], ["script"])
    files = {"lone.ps1": {"checksums": {"sha256": hashlib.sha256(b"give 1").hexdigest()}}}
    attached = {"name": "lone.ps1", "url": f"s3://{bucket}/lone.ps1"}
    refused = run(step(None, Attachment="lone.ps1"), attached=attached, files=files)
    assert "is a .zip file" in refused["FailureMessage"]


def test_a_program_that_is_named_and_is_none_is_refused_at_the_start():
    with pytest.raises(AssertionError, match="did not start"):
        start_sandbox("--pwsh", "/no/such/pwsh")
