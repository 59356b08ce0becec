"""A sandbox as people run it: a process of its own on a free port, reached over the wire."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from tests.sandbox.conformance import watch
from tests.support.stack import COMPILED

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ROOT = {
    "aws_access_key_id": "AKIAROOTROOTROOTROOT",
    "aws_secret_access_key": "root-secret-of-the-test-sandbox",
}
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Sandbox:
    """A running sandbox. `root` are keyword arguments of a boto3 session with the account's root key."""

    url: str
    process: subprocess.Popen[str]
    root: dict[str, str] = field(default_factory=lambda: dict(ROOT))

    def client(
        self,
        service: str,
        keys: Mapping[str, str | None] | None = None,
        *,
        region: str = REGION,
        **config: Any,
    ) -> Any:
        """A boto3 client of `service` with `keys` (a session's keyword arguments), by default the root's.

        What Systems Manager answers is held against its model.
        """
        session = boto3.Session(region_name=region, **(self.root if keys is None else keys))
        options = {"retries": {"max_attempts": 1}, "s3": {"addressing_style": "path"}, **config}
        client = session.client(service, endpoint_url=self.url, config=Config(**options))
        return watch(client) if service == "ssm" else client

    def make_user(self, name: str, *statements: Mapping[str, Any]) -> dict[str, str]:
        """Create a user whose inline policy has `statements`; returns its keys."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy_text(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    def make_role(
        self, name: str, trust: Mapping[str, Any], *statements: Mapping[str, Any], **options: Any
    ) -> str:
        """Create a role that `trust` (one statement) lets be assumed; returns its ARN."""
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy_text(trust), **options)["Role"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=policy_text(*statements))
        return str(role["Arn"])

    def assume(
        self, keys: Mapping[str, str | None], role_arn: str, session_name: str, **parameters: Any
    ) -> dict[str, str]:
        """Assume a role with `keys`; returns the session's keys."""
        assumed = self.client("sts", keys).assume_role(
            RoleArn=role_arn, RoleSessionName=session_name, **parameters
        )["Credentials"]
        return {
            "aws_access_key_id": assumed["AccessKeyId"],
            "aws_secret_access_key": assumed["SecretAccessKey"],
            "aws_session_token": assumed["SessionToken"],
        }

    def command_results(
        self, method: str, keys: Mapping[str, str] | None = None, **body: Any
    ) -> dict[str, Any]:
        """Ask `/_sandbox/command-results` for what commands give, by default as root."""
        url = f"{self.url}/_sandbox/command-results"
        signed = keys or self.root
        request = AWSRequest(method, url, data=json.dumps(body).encode())
        credentials = Credentials(signed["aws_access_key_id"], signed["aws_secret_access_key"])
        SigV4Auth(credentials, "ssm", REGION).add_auth(request)
        prepared = request.prepare()
        sent = urllib.request.Request(url, data=prepared.body, headers=dict(prepared.headers), method=method)
        with urllib.request.urlopen(sent, timeout=30) as answer:
            return dict(json.load(answer))

    def aws(self, keys: Mapping[str, str | None], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the AWS CLI against this sandbox with `keys`."""
        names = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}
        credentials = {name.upper(): value for name, value in keys.items() if name in names and value}
        return subprocess.run(
            [
                str(Path(sys.executable).parent / "aws"),
                "--endpoint-url",
                self.url,
                "--region",
                REGION,
                *arguments,
            ],
            env={"PATH": os.environ["PATH"], **COMPILED, "HOME": "/nonexistent", **credentials},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def policy_text(*statements: Mapping[str, Any]) -> str:
    """A policy document with these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def start_sandbox(*arguments: str, root: Mapping[str, str] | None = ROOT, **environment: str) -> Sandbox:
    """Start `python -m sandbox` on a free port and wait until it says that it is ready."""
    keys = (
        {
            "SANDBOX_ROOT_ACCESS_KEY_ID": root["aws_access_key_id"],
            "SANDBOX_ROOT_SECRET_ACCESS_KEY": root["aws_secret_access_key"],
        }
        if root
        else {}
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "SANDBOX_PWSH": "off", **COMPILED, **keys, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.search(r"http://127\.0\.0\.1:\d+", line)
    if match is None:
        process.kill()
        process.wait()
        raise AssertionError(f"the sandbox did not start: {line!r}")
    started = Sandbox(url=match.group(0), process=process)
    if root is None:
        key = re.search(r"key: (\S+)  secret: (\S+)", process.stdout.readline())
        assert key is not None
        started.root = {"aws_access_key_id": key.group(1), "aws_secret_access_key": key.group(2)}
    return started


def stop_sandbox(running: Sandbox) -> int:
    """End a sandbox as a service manager would; returns its exit status."""
    running.process.terminate()
    status = running.process.wait(timeout=20)
    assert running.process.stdout is not None
    running.process.stdout.close()
    return status


def is_written(text: str, directory: Path) -> bool:
    """Whether the sandbox that keeps its state in `directory` has written `text` there."""
    return any(text.encode() in path.read_bytes() for path in directory.iterdir())


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until it is true, for a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of the run: name what you create so that it meets nobody else's."""
    running = start_sandbox()
    yield running
    stop_sandbox(running)


@pytest.fixture
def launch_sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes of a test's own (arguments as of `start_sandbox`), stopped after it."""
    started: list[Sandbox] = []

    def launch(*arguments: str, **options: Any) -> Sandbox:
        started.append(start_sandbox(*arguments, **options))
        return started[-1]

    yield launch
    for running in started:
        if running.process.poll() is None:
            stop_sandbox(running)


@dataclass(frozen=True)
class Account:
    """An account beside the first; `keys` are those of an administrator in it."""

    id: str
    keys: dict[str, str]


@pytest.fixture(scope="session")
def other_account(sandbox: Sandbox) -> Account:
    """A second account, opened by the first one's organization and entered through its role."""
    organizations = sandbox.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    created = organizations.create_account(Email="second@example.com", AccountName="second")
    account_id = created["CreateAccountStatus"]["AccountId"]
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    enter = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    return Account(account_id, sandbox.assume(sandbox.make_user("entering", enter), role, "second"))
