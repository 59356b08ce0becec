"""aws:executeScript, over the wire."""

import hashlib
import io
import json
import textwrap
import time
import zipfile

import pytest

from sandbox.automation.actions import execute_script
from sandbox.automation.engine import Engine
from sandbox.automation.work import Work

ACCOUNT = "123456789012"
TRUST = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}


def script(code, name="script", outputs=(), **inputs):
    given = {"Runtime": "python3.11", "Handler": "main", "Script": textwrap.dedent(code), **inputs}
    return {
        "name": name,
        "action": "aws:executeScript",
        "inputs": {key: value for key, value in given.items() if value is not None},
        "outputs": [{"Name": each, "Selector": selector, "Type": kind} for each, selector, kind in outputs],
    }


@pytest.fixture
def run(ssm, make_document, finish):
    def run(*steps, parameters=None, **document):
        execution_id = ssm.start_automation_execution(
            DocumentName=make_document(*steps, **document), Parameters=parameters or {}
        )["AutomationExecutionId"]
        return finish(execution_id)

    return run


@pytest.fixture
def role(sandbox):
    """A service role that may describe instances, and nothing else."""
    allowed = {"Effect": "Allow", "Action": "ec2:DescribeInstances", "Resource": "*"}
    return sandbox.make_role(f"Scripts-{time.time_ns()}", TRUST, allowed)


def test_what_a_step_that_did_not_run_would_have_given_stands_as_it_is_written(run):
    skip = {
        "name": "skip",
        "action": "aws:branch",
        "inputs": {"Choices": [{"NextStep": "script", "Variable": "yes", "StringEquals": "yes"}]},
    }
    look = {
        "name": "look",
        "action": "aws:executeAwsApi",
        "inputs": {"Service": "ec2", "Api": "DescribeRegions"},
        "outputs": [{"Name": "First", "Selector": "$.Regions[0].RegionName", "Type": "String"}],
    }
    echo = script("def main(events, context): return events", InputPayload={"first": "{{ look.First }}"})

    ended = run(skip, look, echo, outputs=["script.OutputPayload"])
    refused = run(skip, look, {**echo, "inputs": {**echo["inputs"], "Handler": "{{ look.First }}"}})

    assert json.loads(ended["Outputs"]["script.OutputPayload"][0]) == {
        "Payload": {"first": "{{ look.First }}"}
    }
    assert refused["AutomationExecutionStatus"] == "Failed"
    assert "Failed to resolve input: look.First" in refused["FailureMessage"]


def test_a_script_gets_its_payload_and_gives_outputs(run):
    ended = run(
        script(
            """
            def main(events, context):
                print("adding")
                return {"sum": sum(events["numbers"]), "who": context["global:ACCOUNT_ID"]}
            """,
            InputPayload={"numbers": [1, 2, 3]},
            outputs=[("Sum", "$.Payload.sum", "Integer"), ("Who", "$.Payload.who", "String")],
        ),
        script(
            "def main(events, context): return events['Payload']['sum'] + 1",
            "next",
            InputPayload="{{ script.OutputPayload }}",
        ),
        outputs=["script.Sum", "next.OutputPayload"],
    )
    first = ended["StepExecutions"][0]["Outputs"]
    assert first["Sum"] == ["6"]
    assert first["Who"] == [ACCOUNT]
    assert json.loads(first["OutputPayload"][0]) == {
        "ExecutionLog": "adding\n",
        "Payload": {"sum": 6, "who": ACCOUNT},
    }
    assert json.loads(ended["Outputs"]["next.OutputPayload"][0]) == {"Payload": 7}


def test_an_exception_fails_the_step_in_aws_s_words(run):
    ended = run(script("def main(event, context):\n    return event['expected_control_id']"))
    step = ended["StepExecutions"][0]
    message = ended["FailureMessage"]
    assert step["StepStatus"] == "Failed"
    assert message == step["FailureMessage"]
    directory = message.split("/tmp/")[1].split("/")[0]
    assert message == (
        "Step fails when it is Poll action status for completion. Traceback (most recent call last):\n"
        f'  File "/tmp/{directory}/customer_script.py", line 2, in main\n'
        "    return event['expected_control_id']\n"
        "           ~~~~~^^^^^^^^^^^^^^^^^^^^^^^\n"
        "\nKeyError - 'expected_control_id'. "
        "Please refer to Automation Service Troubleshooting Guide for more diagnosis details."
    )
    assert directory.startswith(step["StepExecutionId"])


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (script("def main(e, c): exit('nothing to do')"), "SystemExit - nothing to do"),
        (script("import datetime\ndef main(e, c): return datetime.date.today()"), "is not JSON serializable"),
        (script("def main(e, c): return 'x' * 200_000"), "the limit is 100000"),
        (script("def other(e, c): pass"), "AttributeError"),
        (script("Get-Date", Runtime="PowerShell 7.4", Handler=None), "for PowerShell 7.4"),
        (script("", Script=None, Attachment="code.zip"), "has no attachment code.zip"),
    ],
)
def test_what_cannot_be_done_says_so(run, step, words):
    files = (
        {"files": {"code.zip": {"checksums": {"sha256": "0" * 64}}}} if "Attachment" in step["inputs"] else {}
    )
    assert words in run(step, **files)["FailureMessage"]


def test_a_hundred_items_of_a_list_come_back(run):
    ended = run(script("def main(e, c): return list(range(150))"))
    payload = json.loads(ended["StepExecutions"][0]["Outputs"]["OutputPayload"][0])
    assert payload == {"Payload": list(range(100))}


def test_a_script_calls_aws_as_the_service_role(run, role):
    code = """
    import boto3
    def main(events, context):
        ec2 = boto3.client("ec2")
        ec2.describe_instances()
        return [boto3.client("sts").get_caller_identity()["Arn"], ec2.meta.region_name]
    """
    ended = run(script(code), assumeRole=role)
    arn, region = json.loads(ended["StepExecutions"][0]["Outputs"]["OutputPayload"][0])["Payload"]
    assert arn.split("/")[1:] == [role.split("/")[1], f"Automation-{ended['AutomationExecutionId']}"]
    assert region == "us-east-1"
    denied = run(script("import boto3\ndef main(e, c): boto3.client('ec2').describe_vpcs()"), assumeRole=role)
    assert "ClientError - An error occurred (UnauthorizedOperation)" in denied["FailureMessage"]


def test_without_a_service_role_a_script_has_no_credentials(run):
    ended = run(script("import boto3\ndef main(e, c): boto3.client('ec2').describe_instances()"))
    assert "NoCredentialsError - Unable to locate credentials" in ended["FailureMessage"]


def test_a_step_s_timeout_ends_its_script(run):
    step = script("def main(e, c):\n    while True: pass")
    ended = run({**step, "timeoutSeconds": 1})
    assert ended["AutomationExecutionStatus"] == "TimedOut"
    assert ended["FailureMessage"].startswith(
        "Step timed out while step is Poll action status for completion. "
    )


def test_cancelling_the_run_ends_its_script(ssm, make_document, finish):
    name = make_document(script("import time\ndef main(e, c): time.sleep(300)"))
    execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
    time.sleep(0.5)
    ssm.stop_automation_execution(AutomationExecutionId=execution_id, Type="Cancel")
    ended = finish(execution_id)
    assert ended["AutomationExecutionStatus"] == "Cancelled"
    assert ended["StepExecutions"][0]["StepStatus"] == "Cancelled"


def test_a_retry_runs_the_script_again(run):
    step = script("import os\ndef main(e, c): os._exit(3)")
    ended = run(
        {**step, "maxAttempts": 2, "onFailure": "Continue"}, script("def main(e, c): return 1", "next")
    )
    assert "with the status 3" in ended["StepExecutions"][0]["FailureMessage"]
    assert ended["StepExecutions"][1]["StepStatus"] == "Success"


def test_on_a_virtual_clock_a_poller_takes_no_time(launch_sandbox):
    sandbox = launch_sandbox("--clock", "virtual")
    ssm = sandbox.client("ssm")
    code = """
    import time
    def main(events, context):
        began = time.time()
        while time.time() < began + 480:
            time.sleep(30)
        return "ready"
    """
    long = script(code)
    for name, step in (("poller", long), ("impatient", {**long, "timeoutSeconds": 60})):
        ssm.create_document(
            Name=name,
            DocumentType="Automation",
            DocumentFormat="JSON",
            Content=json.dumps({"schemaVersion": "0.3", "mainSteps": [step]}),
        )

    def end(name):
        execution_id = ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"]
        for _ in range(500):
            ended = ssm.get_automation_execution(AutomationExecutionId=execution_id)["AutomationExecution"]
            if ended.get("ExecutionEndTime"):
                return ended
            time.sleep(0.02)
        raise AssertionError(ended)

    step = end("poller")["StepExecutions"][0]
    assert step["StepStatus"] == "Success"
    assert 480 <= (step["ExecutionEndTime"] - step["ExecutionStartTime"]).total_seconds() < 510
    step = end("impatient")["StepExecutions"][0]
    assert step["StepStatus"] == "TimedOut"
    assert (step["ExecutionEndTime"] - step["ExecutionStartTime"]).total_seconds() == 60


@pytest.fixture
def bucket(sandbox):
    s3 = sandbox.client("s3")
    name = f"scripts-{time.time_ns()}"
    s3.create_bucket(Bucket=name)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("library/__init__.py", "")
        archive.writestr("library/words.py", "def word(events, context): return 'from ' + events['from']")
    s3.put_object(Bucket=name, Key="code/archive.zip", Body=buffer.getvalue())
    s3.put_object(Bucket=name, Key="code/lone.py", Body=b"def handler(events, context): return 'alone'")
    return name


def test_attachments_are_fetched_kept_and_run(ssm, bucket, finish):
    files = {
        name: {"checksums": {"sha256": digest}}
        for name, digest in (
            ("lone.py", hashlib.sha256(b"def handler(events, context): return 'alone'").hexdigest()),
        )
    }
    steps = [
        script("", "lone", Script=None, Attachment="lone.py", Handler="lone.handler"),
        script(
            "from library.words import word\ndef main(e, c): return word(e, c)",
            "both",
            Attachment="archive.zip",
            InputPayload={"from": "the archive"},
        ),
    ]
    content = {"schemaVersion": "0.3", "mainSteps": steps, "files": files}
    name = f"Attached-{time.time_ns()}"
    made = ssm.create_document(
        Name=name,
        DocumentType="Automation",
        DocumentFormat="JSON",
        Content=json.dumps(content),
        Attachments=[
            {"Key": "S3FileUrl", "Values": [f"s3://{bucket}/code/archive.zip"], "Name": "archive.zip"},
            {"Key": "SourceUrl", "Values": [f"s3://{bucket}/code"]},
        ],
    )["DocumentDescription"]
    assert made["AttachmentsInformation"] == [{"Name": "archive.zip"}, {"Name": "lone.py"}]
    told = ssm.get_document(Name=name)["AttachmentsContent"]
    assert [each["Name"] for each in told] == ["archive.zip", "lone.py"]
    assert told[1]["Hash"] == files["lone.py"]["checksums"]["sha256"]
    ended = finish(ssm.start_automation_execution(DocumentName=name)["AutomationExecutionId"])
    outputs = [json.loads(step["Outputs"]["OutputPayload"][0]) for step in ended["StepExecutions"]]
    assert outputs == [{"Payload": "alone"}, {"Payload": "from the archive"}]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"Key": "S3FileUrl", "Values": ["s3://BUCKET/absent.zip"], "Name": "absent.zip"}, "no such object"),
        ({"Key": "S3FileUrl", "Values": ["s3://BUCKET/code/lone.py"], "Name": "lone.py"}, "SHA-256 checksum"),
        ({"Key": "AttachmentReference", "Values": ["lone.py"]}, "DOCUMENT/VERSION/FILE"),
    ],
)
def test_an_attachment_that_is_not_what_it_should_be_is_refused(ssm, bucket, source, words):
    content = {
        "schemaVersion": "0.3",
        "mainSteps": [script("def main(e, c): pass")],
        "files": {"lone.py": {"checksums": {"sha256": "0" * 64}}},
    }
    source = {**source, "Values": [value.replace("BUCKET", bucket) for value in source["Values"]]}
    with pytest.raises(ssm.exceptions.InvalidDocumentContent, match=words):
        ssm.create_document(
            Name=f"Refused-{time.time_ns()}",
            DocumentType="Automation",
            DocumentFormat="JSON",
            Content=json.dumps(content),
            Attachments=[source],
        )


def test_a_script_that_ran_when_the_sandbox_stopped_has_failed(trial, monkeypatch):
    def engine(store):
        work = Work(store=store, clock=trial.clock, wake=lambda _: None, hold=lambda: lambda: None)
        return Engine(store=store, clock=trial.clock, client=trial._client, work=work)

    run = trial.begin({"mainSteps": [script("import time\ndef main(e, c): time.sleep(300)")]})
    first = engine(trial.store)
    first.advance(run)
    assert run.steps[0].status == "InProgress"
    store = trial.restart()
    # What another process knows of the scripts of this one.
    monkeypatch.setattr(execute_script, "_scripts", {})
    again, second = store.get(run.id), engine(store)
    second.recover(again)
    second.advance(again)
    assert "The sandbox stopped while this step's script ran" in again.failure_message
    run.stop_requested = "Cancel"
    first.advance(run)
    assert run.status == "Cancelled"


def test_attachments_of_a_document_are_copied_only_by_whoever_may_read_it(sandbox, ssm, bucket):
    name = f"Source-{time.time_ns()}"
    content = {"schemaVersion": "0.3", "mainSteps": [script("def main(e, c): pass")]}
    given = {"DocumentType": "Automation", "DocumentFormat": "JSON", "Content": json.dumps(content)}
    attached = {"Key": "S3FileUrl", "Values": [f"s3://{bucket}/code/lone.py"], "Name": "lone.py"}
    ssm.create_document(Name=name, Attachments=[attached], **given)
    reference = {"Key": "AttachmentReference", "Values": [f"{name}/1/lone.py"]}
    creating = {"Effect": "Allow", "Action": "ssm:CreateDocument", "Resource": "*"}
    reading = {"Effect": "Allow", "Action": "ssm:GetDocument", "Resource": f"arn:aws:ssm:*:*:document/{name}"}
    blind = sandbox.client("ssm", sandbox.make_user(f"blind-{time.time_ns()}", creating))
    with pytest.raises(blind.exceptions.InvalidDocumentContent, match=r"not authorized .* ssm:GetDocument"):
        blind.create_document(Name=f"Copy-{time.time_ns()}", Attachments=[reference], **given)
    seeing = sandbox.client("ssm", sandbox.make_user(f"seeing-{time.time_ns()}", creating, reading))
    seeing.create_document(Name=f"Copy-{time.time_ns()}", Attachments=[reference], **given)
