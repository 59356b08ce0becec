"""State across restarts: written beside and renamed, taken up again, refused when it is not ours."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.pickling import dumps, loads
from sandbox.state import Keeper
from tests.sandbox.conftest import ACCOUNT_ID, ROOT, Sandbox, is_written, stop_sandbox, wait_until

IMAGE = "ami-12c6146b"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
TRUST_ACCOUNT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT_ID}}
DOCUMENT = {
    "schemaVersion": "0.3",
    "mainSteps": [{"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT0S"}, "isEnd": True}],
}


def test_everything_is_there_after_a_restart(launch_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    first = launch_sandbox("--state", str(tmp_path))
    role = first.make_role("kept-role", TRUST_ACCOUNT, ALLOW_ALL)
    keys = first.make_user("kept", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    first.client("iam").attach_user_policy(
        UserName="kept", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"
    )
    session = first.assume(keys, role, "kept-session")
    machine = first.client("ec2", session).run_instances(
        ImageId=IMAGE,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Owner", "Value": "olga"}]}],
    )["Instances"][0]["InstanceId"]
    first.client("ssm").create_document(
        Name="kept-document", Content=json.dumps(DOCUMENT), DocumentType="Automation", DocumentFormat="JSON"
    )
    first.client("ssm").put_parameter(Name="/kept/parameter", Value="v", Type="String")
    first.client("s3").create_bucket(Bucket="kept-bucket")
    first.client("s3").put_object(Bucket="kept-bucket", Key="k", Body=b"content")
    first.client("sqs", region="eu-west-1").create_queue(QueueName="kept-queue")
    first.client("dynamodb").create_table(
        TableName="kept-table",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    assert stop_sandbox(first) == 0

    second = launch_sandbox("--state", str(tmp_path))
    reservations = second.client("ec2", keys).describe_instances(InstanceIds=[machine])["Reservations"]
    assert reservations[0]["Instances"][0]["Tags"] == [{"Key": "Owner", "Value": "olga"}]
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        second.client("ec2", keys).terminate_instances(InstanceIds=[machine])
    assert second.client("ec2", session).terminate_instances(InstanceIds=[machine])
    assert second.client("ssm").describe_document(Name="kept-document")["Document"]["Name"] == "kept-document"
    assert second.client("ssm").get_parameter(Name="/kept/parameter")["Parameter"]["Value"] == "v"
    assert second.client("s3").get_object(Bucket="kept-bucket", Key="k")["Body"].read() == b"content"
    assert second.client("sqs", region="eu-west-1").list_queues()["QueueUrls"]
    assert second.client("dynamodb").list_tables()["TableNames"] == ["kept-table"]
    read_only = second.client("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    assert read_only["Policy"]["AttachmentCount"] == 1


def test_what_is_made_after_a_restart_is_kept_too(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    for name in ("one", "two", "three"):
        running = launch_sandbox("--state", str(tmp_path))
        running.make_user(name)
        stop_sandbox(running)

    users = launch_sandbox("--state", str(tmp_path)).client("iam").list_users()["Users"]
    assert {user["UserName"] for user in users} == {"one", "two", "three"}


def test_a_process_that_is_killed_has_written_what_was_still_a_moment_before(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = launch_sandbox("--state", str(tmp_path))
    first.make_user("survivor")
    wait_until(lambda: is_written("survivor", tmp_path))
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()

    second = launch_sandbox("--state", str(tmp_path))
    assert second.client("iam").get_user(UserName="survivor")


def test_an_execution_that_was_answered_outlives_a_kill_a_moment_later(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = launch_sandbox("--state", str(tmp_path))
    first.client("ssm").create_document(
        Name="kept-document", Content=json.dumps(DOCUMENT), DocumentType="Automation", DocumentFormat="JSON"
    )
    token = str(uuid.uuid4())
    request = {"DocumentName": "kept-document", "ClientToken": token}
    started = first.client("ssm").start_automation_execution(**request)["AutomationExecutionId"]
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()

    second = launch_sandbox("--state", str(tmp_path)).client("ssm")
    assert second.start_automation_execution(**request)["AutomationExecutionId"] == started


def bytes_written(running: Sandbox) -> int:
    counters = Path(f"/proc/{running.process.pid}/io").read_text()
    return int(counters.partition("wchar:")[2].split()[0])


def status_of(ssm: Any, run: str) -> str:
    found = ssm.get_automation_execution(AutomationExecutionId=run)["AutomationExecution"]
    return str(found["AutomationExecutionStatus"])


def test_interrupting_ends_it_in_order(launch_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    running = launch_sandbox("--state", str(tmp_path))
    running.make_user("interrupted")
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(timeout=20) == 0
    assert is_written("interrupted", tmp_path)


def test_a_root_key_that_was_made_stays_the_same(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = launch_sandbox("--state", str(tmp_path), root=None)
    key = dict(first.root)
    stop_sandbox(first)

    assert launch_sandbox("--state", str(tmp_path), root=None).root == key


def test_a_root_key_that_is_given_replaces_the_old_one(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    old = launch_sandbox("--state", str(tmp_path), root=None)
    key = dict(old.root)
    stop_sandbox(old)

    new = launch_sandbox("--state", str(tmp_path), root=ROOT)
    assert new.client("sts").get_caller_identity()
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        new.client("sts", key).get_caller_identity()


@pytest.mark.parametrize("name", ["sandbox.sqlite3", "sandbox.pickle"])
def test_state_that_is_not_ours_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    from tests.sandbox.test_server import run_sandbox

    (tmp_path / name).write_bytes(b"not a database")

    result = run_sandbox("--port", "0", "--state", str(tmp_path))

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "move it away to start anew" in result.stderr
    assert (tmp_path / name).read_bytes() == b"not a database"


def test_a_directory_is_one_sandbox_s(launch_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    from tests.sandbox.test_server import run_sandbox

    first = launch_sandbox("--state", str(tmp_path))

    result = run_sandbox("--port", "0", "--state", str(tmp_path))

    assert result.returncode == 1
    assert "another sandbox uses it" in result.stderr
    assert first.client("sts").get_caller_identity()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    keeper = Keeper(directory)
    keeper.load()
    keeper.write()

    files = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert files == {"sandbox.sqlite3": 0o600, "sandbox.sqlite3-wal": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_what_could_not_be_written_is_written_with_the_next_change(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = launch_sandbox("--state", str(tmp_path))
    ssm = first.client("ssm")
    ssm.put_parameter(Name="/before", Value="v", Type="String")
    keys = first.make_user("meanwhile", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    role = first.make_role("meanwhile", TRUST_ACCOUNT)
    # As on a disk that is full.
    limits = resource.prlimit(first.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    ssm.put_parameter(Name="/while-full", Value="v", Type="String")
    session = first.assume(keys, role, "meanwhile")
    assert not is_written("/while-full", tmp_path)
    resource.prlimit(first.process.pid, resource.RLIMIT_FSIZE, limits)
    ssm.put_parameter(Name="/after", Value="v", Type="String")
    first.process.kill()
    first.process.wait()

    second = launch_sandbox("--state", str(tmp_path))
    found = second.client("ssm").get_parameters(Names=["/before", "/while-full", "/after"])["Parameters"]
    assert len(found) == 3
    assert second.client("sts", session).get_caller_identity()["Arn"].endswith("meanwhile/meanwhile")


def test_a_write_holds_what_has_changed_and_nothing_else(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    running = launch_sandbox("--state", str(tmp_path))
    ssm = running.client("ssm")
    ssm.create_document(
        Name="kept-document", Content=json.dumps(DOCUMENT), DocumentType="Automation", DocumentFormat="JSON"
    )
    for _ in range(30):
        run = ssm.start_automation_execution(DocumentName="kept-document")["AutomationExecutionId"]
    wait_until(lambda: status_of(ssm, run) == "Success")
    before = bytes_written(running)
    for number in range(20):
        tag = {"Key": "number", "Value": str(number)}
        ssm.add_tags_to_resource(ResourceType="Automation", ResourceId=run, Tags=[tag])
    # The other executions, the machine images and so on are megabytes.
    assert bytes_written(running) - before < 20 * 100_000
    assert stop_sandbox(running) == 0

    tags = (
        launch_sandbox("--state", str(tmp_path))
        .client("ssm")
        .list_tags_for_resource(ResourceType="Automation", ResourceId=run)["TagList"]
    )
    assert tags == [{"Key": "number", "Value": "19"}]


def test_what_pickle_cannot_do_by_itself_is_done() -> None:
    from moto.ssm.models import ParameterDict

    nested: Any = defaultdict(lambda: defaultdict(dict))
    nested["a"]["b"]["c"] = 1
    parameters = ParameterDict(ACCOUNT_ID, "us-east-1")
    value = {
        "nested": nested,
        "parameters": parameters,
        "lock": threading.Lock(),
        "rlock": threading.RLock(),
        "condition": threading.Condition(),
    }

    copy = loads(dumps(value))

    assert copy["nested"]["a"]["b"] == {"c": 1}
    assert copy["nested"]["new"]["newer"] == {}
    assert copy["parameters"].region_name == "us-east-1"
    for name in ("lock", "rlock", "condition"):
        with copy[name]:
            pass


def test_backends_refer_to_each_other_and_are_not_copied() -> None:
    from moto.iam.models import iam_backends

    backend = iam_backends[ACCOUNT_ID]["aws"]

    assert loads(dumps({"backend": backend}))["backend"] is backend


def test_what_large_backends_hold_is_read_again_only_after_calls_that_may_have_changed_it(
    launch_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    first = launch_sandbox("--state", str(tmp_path))
    ssm, ec2 = first.client("ssm"), first.client("ec2")
    ssm.put_parameter(Name="/one", Value="v", Type="String")
    machine = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    # Its answer says that all is written, the machine with it; the next one reads no machine.
    ssm.put_parameter(Name="/two", Value="v", Type="String")
    ssm.put_parameter(Name="/three", Value="v", Type="String")
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = launch_sandbox("--state", str(tmp_path))
    kept = second.client("ec2").describe_instances()["Reservations"][0]["Instances"][0]
    assert kept["InstanceId"] == machine
    assert second.client("ssm").get_parameter(Name="/three")["Parameter"]["Value"] == "v"
