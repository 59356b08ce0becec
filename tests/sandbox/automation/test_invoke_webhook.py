"""aws:invokeWebhook against a provider of the test's own."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import botocore.exceptions
import pytest

NAMESPACE = "/d9d01087-4a3f-49e0-b0b4-d568d7826553/ssm/integrations/webhook/"
TRUST_SSM = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


class Provider(http.server.BaseHTTPRequestHandler):
    """Notes what arrives, and answers with the status that the path ends with."""

    arrived: list[tuple[str, str, str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.arrived.append((self.path, self.headers.get("X-Secret", ""), body))
        status = int(self.path.rpartition("/")[2].partition("?")[0])
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/hook/200")
        self.end_headers()
        self.wfile.write(f"got {body}".encode())

    def log_message(self, *_: Any) -> None:
        """Tests need no log."""


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def integrate(ssm: Any) -> Any:
    """Make an integration; returns its name."""

    def put(**value: Any) -> str:
        name = f"hook-{time.time_ns()}"
        ssm.put_parameter(
            Name=f"{NAMESPACE}{name}",
            Type="SecureString",
            DataType="aws:ssm:integration",
            Value=json.dumps({"description": "a hook", **value}),
        )
        return name

    return put


def step(name: str, **inputs: Any) -> dict[str, Any]:
    return {"name": "hook", "action": "aws:invokeWebhook", "inputs": {"IntegrationName": name, **inputs}}


def outputs(run: dict[str, Any]) -> dict[str, Any]:
    return dict(run["StepExecutions"][0].get("Outputs", {}))


def test_a_webhook_gets_the_body_of_the_step_or_the_integration_with_its_headers(
    automate, integrate, provider
):
    url = f"{provider}/hook/200?key=1"
    name = integrate(url=url, headers={"X-Secret": "s3cret"}, payload='{"text": "default"}')
    first = automate(step(name, Body='{"text": "mine"}'))
    assert first["AutomationExecutionStatus"] == "Success", first.get("FailureMessage")
    assert outputs(first) == {"Response": ['got {"text": "mine"}'], "ResponseCode": ["200"]}
    assert Provider.arrived[-1] == ("/hook/200?key=1", "s3cret", '{"text": "mine"}')
    automate(step(name))
    assert Provider.arrived[-1][2] == '{"text": "default"}'
    assert "s3cret" not in json.dumps(first, default=str)


@pytest.mark.parametrize(("status", "kind"), [(500, "Action"), (429, "Throttling")])
def test_an_answer_that_is_an_error_fails_the_step(automate, integrate, provider, status, kind):
    run = automate(step(integrate(url=f"{provider}/hook/{status}"), Body="x"))
    assert f"answered with the status {status}" in run["FailureMessage"]
    assert outputs(run)["ResponseCode"] == [str(status)]
    assert run["StepExecutions"][0]["FailureDetails"]["FailureType"] == kind


def test_a_redirect_is_not_followed(automate, integrate, provider):
    before = len(Provider.arrived)
    run = automate(step(integrate(url=f"{provider}/hook/302"), Body="x"))
    assert outputs(run)["ResponseCode"] == ["302"]
    assert len(Provider.arrived) == before + 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://hooks.example.com/services/T0", "start it with --webhook-hosts hooks.example.com"),
        ("http://169.254.169.254/latest/meta-data", "loopback only"),
        ("https://127.0.0.1@hooks.example.com/", "without a user name"),
        ("file:///etc/passwd", "must be https://"),
        ("http://127.0.0.1:1/nobody", "could not be reached"),
    ],
)
def test_webhooks_go_to_loopback_only(automate, integrate, url, reason):
    run = automate(step(integrate(url=url, headers={"X-Secret": "s3cret"}), Body="x"))
    assert reason in run["FailureMessage"]
    assert "s3cret" not in run["FailureMessage"]


def test_an_integration_must_exist_and_the_role_must_be_able_to_read_it(
    sandbox, automate, integrate, provider
):
    assert "The integration nosuch does not exist" in automate(step("nosuch"))["FailureMessage"]
    role = sandbox.make_role(
        f"Hooks-{time.time_ns()}",
        TRUST_SSM,
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:*:*:parameter/other"},
    )
    run = automate(step(integrate(url=f"{provider}/hook/200")), role=role)
    assert "not authorized to perform: ssm:GetParameter" in run["FailureMessage"]


def test_an_integration_is_a_secure_string_in_the_reserved_namespace(ssm):
    for name, kind in (("/mine/hook", "SecureString"), (f"{NAMESPACE}open", "String")):
        with pytest.raises(botocore.exceptions.ClientError, match="must be a SecureString whose name begins"):
            ssm.put_parameter(Name=name, Type=kind, DataType="aws:ssm:integration", Value="{}")
