"""Lambda functions run, for every client and for aws:invokeLambdaFunction."""

import base64
import io
import json
import threading
import time
import urllib.request
import zipfile
from typing import Any

import botocore.exceptions
import pytest

from sandbox.errors import AwsError
from sandbox.services.functions import responses

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
TRUST_SSM = {**TRUST, "Principal": {"Service": "ssm.amazonaws.com"}}
CODE = """
import os, sys, time
from helper import greeting

def handle(event, context):
    print("seen", event)
    what = event.get("do")
    if what == "fail":
        raise ValueError("it went wrong")
    if what == "exit":
        sys.stdout.flush()
        os._exit(3)
    if what == "sleep":
        time.sleep(60)
    if what == "set":
        return {1, 2}
    if what == "who":
        import boto3
        return boto3.client("sts").get_caller_identity()["Arn"]
    client = context.client_context
    return {
        "greeting": greeting(event.get("name")),
        "word": os.environ["WORD"],
        "function": context.function_name,
        "remaining": 0 < context.get_remaining_time_in_millis() <= 5000,
        "version": context.function_version,
        "client": client and client["custom"]["key"],
    }
"""


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return packed.getvalue()


@pytest.fixture(scope="module")
def client(sandbox: Any) -> Any:
    return sandbox.client("lambda")


@pytest.fixture(scope="module")
def role(sandbox: Any) -> str:
    return str(sandbox.make_role(f"FunctionRole-{time.time_ns()}", TRUST))


@pytest.fixture(scope="module")
def function(client: Any, role: str) -> str:
    """A function whose helper module lies in a layer."""
    layer = client.publish_layer_version(
        LayerName=f"layer-{time.time_ns()}",
        Content={"ZipFile": zipped(python__helper="def greeting(name):\n    return f'Hello {name}'\n")},
    )
    name = f"greeter-{time.time_ns()}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="app.handle",
        Code={"ZipFile": zipped(app=CODE)},
        Environment={"Variables": {"WORD": "spoken"}},
        Layers=[layer["LayerVersionArn"]],
        Timeout=5,
    )
    return name


def invoke(client: Any, function: str, event: Any, **parameters: Any) -> tuple[dict[str, Any], Any]:
    response = client.invoke(FunctionName=function, Payload=json.dumps(event).encode(), **parameters)
    body = response["Payload"].read()
    return response, json.loads(body) if body else None


def test_a_function_runs_with_its_event_context_environment_and_layer(client, function):
    context = base64.b64encode(b'{"custom": {"key": "value"}}').decode()
    response, answer = invoke(client, function, {"name": "Ann"}, ClientContext=context, LogType="Tail")
    assert answer == {
        "greeting": "Hello Ann",
        "word": "spoken",
        "function": function,
        "remaining": True,
        "version": "$LATEST",
        "client": "value",
    }
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    log = base64.b64decode(response["LogResult"]).decode()
    assert log.startswith("START RequestId: ")
    assert "seen {'name': 'Ann'}\n" in log
    assert "REPORT RequestId: " in log
    arn = client.get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    assert invoke(client, arn, {"name": "Bob"})[1]["greeting"] == "Hello Bob"


@pytest.mark.parametrize(
    ("what", "kind", "message"),
    [
        ("fail", "ValueError", "it went wrong"),
        ("exit", "Runtime.ExitError", "exit status 3"),
        ("set", "Runtime.MarshalError", "Unable to marshal response"),
    ],
)
def test_a_function_that_fails_answers_with_the_error(client, function, what, kind, message):
    response, answer = invoke(client, function, {"do": what})
    assert response["FunctionError"] == "Unhandled"
    assert answer["errorType"] == kind
    assert message in answer["errorMessage"]
    if what == "fail":
        assert 'raise ValueError("it went wrong")' in "".join(answer["stackTrace"])


def test_a_function_is_stopped_at_its_timeout_and_a_broken_one_is_told(client, role):
    name = f"slow-{time.time_ns()}"
    code = {"ZipFile": zipped(app=CODE, helper="greeting = None")}
    client.create_function(
        FunctionName=name, Runtime="python3.11", Role=role, Handler="app.handle", Code=code, Timeout=1
    )
    response, answer = invoke(client, name, {"do": "sleep"})
    assert response["FunctionError"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    client.update_function_configuration(FunctionName=name, Handler="absent.handle")
    assert invoke(client, name, {})[1]["errorType"] == "Runtime.ImportModuleError"
    client.update_function_configuration(FunctionName=name, Handler="app.absent")
    assert invoke(client, name, {})[1]["errorType"] == "Runtime.HandlerNotFound"
    client.update_function_configuration(FunctionName=name, Runtime="nodejs20.x")
    with pytest.raises(
        botocore.exceptions.ClientError, match=r"Python only, and .* needs the runtime nodejs20"
    ):
        invoke(client, name, {})


def test_a_function_acts_as_its_execution_role(client, function, role):
    _, arn = invoke(client, function, {"do": "who"})
    assert arn == f"arn:aws:sts::123456789012:assumed-role/{role.rpartition('/')[2]}/{function}"


def test_a_role_that_does_not_trust_lambda_makes_no_function(sandbox, client):
    name = f"untrusted-{time.time_ns()}"
    with pytest.raises(botocore.exceptions.ClientError, match="cannot be assumed by Lambda"):
        client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=sandbox.make_role(f"Other-{time.time_ns()}", TRUST_SSM),
            Handler="app.handle",
            Code={"ZipFile": zipped(app=CODE)},
        )
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
        client.get_function(FunctionName=name)


def test_dry_runs_and_events_are_taken_without_an_answer(client, function):
    assert invoke(client, function, {}, InvocationType="DryRun")[0]["StatusCode"] == 204
    assert invoke(client, function, {"name": "x"}, InvocationType="Event")[0]["StatusCode"] == 202
    with pytest.raises(botocore.exceptions.ClientError, match="InvalidRequestContentException"):
        client.invoke(FunctionName=function, Payload=b"{")
    with pytest.raises(botocore.exceptions.ClientError, match="ResourceNotFoundException"):
        invoke(client, f"arn:aws:lambda:us-east-1:999999999999:function:{function}", {})


def test_a_function_uses_no_more_of_the_machine_whatever_it_is_configured_with(client, role):
    code = "import os\ndef h(event, context):\n  return context.get_remaining_time_in_millis(), disk()\n"
    code += "def disk():\n  found = os.statvfs('/tmp')\n  return found.f_blocks * found.f_frsize"
    name = f"big-{time.time_ns()}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="app.h",
        Code={"ZipFile": zipped(app=code)},
        Timeout=10**9,
        MemorySize=10**9,
        EphemeralStorage={"Size": 10240},
    )
    remaining, disk = invoke(client, name, {})[1]
    assert remaining <= 900_000
    if (
        json.load(urllib.request.urlopen(f"{client.meta.endpoint_url}/_sandbox/health"))["scripts"]
        == "confined"
    ):
        assert disk <= 512 * 1024 * 1024


def test_layers_that_unpack_to_more_than_lambda_allows_are_refused(client, role):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("python/zeros", bytes(140_000_000))
    layers = [
        client.publish_layer_version(
            LayerName=f"zeros-{number}-{time.time_ns()}", Content={"ZipFile": packed.getvalue()}
        )["LayerVersionArn"]
        for number in range(2)
    ]
    name = f"bomb-{time.time_ns()}"
    client.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role=role,
        Handler="app.handle",
        Code={"ZipFile": zipped(app=CODE)},
        Layers=layers,
    )
    with pytest.raises(botocore.exceptions.ClientError, match="combined with layers exceeds"):
        invoke(client, name, {})


def test_events_beyond_those_that_may_wait_are_throttled(monkeypatch):
    monkeypatch.setattr(responses, "_events", threading.BoundedSemaphore(1))
    assert responses._events.acquire()
    with pytest.raises(AwsError, match="Rate Exceeded") as refusal:
        responses._invoke_later(Any, "{}", None)
    assert refusal.value.code == "TooManyRequestsException"


def test_code_in_s3_is_used_only_by_whoever_may_read_it(sandbox, role):
    bucket = f"code-{time.time_ns()}"
    sandbox.client("s3").create_bucket(Bucket=bucket)
    sandbox.client("s3").put_object(Bucket=bucket, Key="code.zip", Body=zipped(app=CODE, helper=""))
    place = {"S3Bucket": bucket, "S3Key": "code.zip"}
    given = {"Runtime": "python3.11", "Role": role, "Handler": "app.handle", "Code": place}
    making = {"Effect": "Allow", "Action": ["lambda:*", "iam:PassRole"], "Resource": "*"}
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/code.zip"}
    blind = sandbox.client("lambda", sandbox.make_user(f"blind-{time.time_ns()}", making))
    name = f"copied-{time.time_ns()}"
    for attempt in (
        lambda: blind.create_function(FunctionName=name, **given),
        lambda: blind.update_function_code(FunctionName=name, **place),
        lambda: blind.publish_layer_version(LayerName=name, Content=place),
    ):
        with pytest.raises(botocore.exceptions.ClientError, match="not authorized to perform: s3:GetObject"):
            attempt()
    seeing = sandbox.client("lambda", sandbox.make_user(f"seeing-{time.time_ns()}", making, reading))
    assert seeing.create_function(FunctionName=name, **given)["FunctionName"] == name


def test_nobody_invokes_a_function_without_the_right(sandbox, function):
    keys = sandbox.make_user(
        f"invoker-{time.time_ns()}",
        {
            "Effect": "Allow",
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:*:*:function:other",
        },
    )
    with pytest.raises(
        botocore.exceptions.ClientError, match="not authorized to perform: lambda:InvokeFunction"
    ):
        invoke(sandbox.client("lambda", keys), function, {})


# --- the action ---


def step(**inputs: Any) -> dict[str, Any]:
    return {"name": "call", "action": "aws:invokeLambdaFunction", "inputs": inputs}


def test_a_step_invokes_a_function_and_hands_its_answer_on(ssm, automate, function):
    called = step(
        FunctionName=function, InputPayload={"name": "Ann"}, Payload='{"name": "no"}', LogType="Tail"
    )
    called["outputs"] = [{"Name": "Greeting", "Selector": "$.Payload.greeting", "Type": "String"}]
    legacy = {**step(FunctionName=function, Payload='{"name": "{{ call.Greeting }}"}'), "name": "again"}
    run = automate(called, legacy)
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    first, second = (each["Outputs"] for each in run["StepExecutions"])
    assert first["StatusCode"] == ["200"]
    assert first["Greeting"] == ["Hello Ann"]
    assert json.loads(first["Payload"][0])["word"] == "spoken"
    assert "seen {'name': 'Ann'}" in base64.b64decode(first["LogResult"][0]).decode()
    assert json.loads(second["Payload"][0])["greeting"] == "Hello Hello Ann"


def test_a_step_fails_with_the_function_error(automate, function):
    run = automate(step(FunctionName=function, InputPayload={"do": "fail"}))
    assert "ended with the function error Unhandled" in run["FailureMessage"]
    assert "it went wrong" in run["FailureMessage"]
    assert run["StepExecutions"][0]["Outputs"]["FunctionError"] == ["Unhandled"]
    absent = automate(step(FunctionName="nosuchfunction"))
    assert "Error Code: ResourceNotFoundException" in absent["FailureMessage"]


def test_a_step_needs_the_right_to_invoke(sandbox, automate, function):
    none = sandbox.make_role(f"NoInvoke-{time.time_ns()}", TRUST_SSM)
    run = automate(step(FunctionName=function), role=none)
    assert "not authorized to perform: lambda:InvokeFunction" in run["FailureMessage"]
    assert run["StepExecutions"][0]["FailureDetails"]["FailureType"] == "Permission"


def test_a_step_times_out_while_the_function_goes_on(automate, function):
    run = automate({**step(FunctionName=function, InputPayload={"do": "sleep"}), "timeoutSeconds": 1})
    assert run["AutomationExecutionStatus"] == "TimedOut"


def test_any_step_can_call_the_api(automate, function):
    payload = json.dumps({"name": "Ann"})
    run = automate(
        {
            "name": "call",
            "action": "aws:executeAwsApi",
            "inputs": {"Service": "lambda", "Api": "Invoke", "FunctionName": function, "Payload": payload},
            "outputs": [{"Name": "Answer", "Selector": "$.Payload", "Type": "String"}],
        }
    )
    assert run["AutomationExecutionStatus"] == "Success", run.get("FailureMessage")
    assert json.loads(run["StepExecutions"][0]["Outputs"]["Answer"][0])["greeting"] == "Hello Ann"
