"""The whole stack as people get it: reachable, confined to loopback and its folder, and hard to kill."""

import http.client
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.stack import Stack, eventually

pytestmark = pytest.mark.stack

PARTS = ("web", "worker 1", "worker 2", "tracker", "cron")
EVERYTHING = ("portal", "sandbox", "valkey")


def status_of(url: str) -> int:
    """Return the status of a page, 0 while nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _well_again(stack: Stack) -> Iterator[None]:
    """Leave the stack to the next test with all its programs ready."""
    yield
    eventually(lambda: all(stack.pid(name) for name in EVERYTHING), seconds=40, what="all programs to run")
    eventually(lambda: status_of(f"{stack.url}/health/ready/") == 200, seconds=40, what="the web")
    eventually(
        lambda: status_of(f"{stack.sandbox_url}/_sandbox/health") == 200, seconds=40, what="the sandbox"
    )


def registered_workers(stack: Stack) -> set[int]:
    """Return the processes that are registered with the queue as workers and still live."""
    import redis
    from rq import Worker

    client = redis.Redis(unix_socket_path=str(stack.data / "valkey" / "valkey.sock"))
    with suppress(redis.ConnectionError):
        return {worker.pid for worker in Worker.all(connection=client) if worker.pid} & {
            *stack.members("portal")
        }
    return set()


def test_it_prints_where_it_is_and_how_to_sign_in(stack: Stack) -> None:
    assert f"{stack.url}/" in stack.console
    assert stack.sandbox_url in stack.console
    for name, password in stack.passwords.items():
        assert f"{name} " in stack.console
        assert password in stack.console


def test_the_page_of_the_front_door_is_a_sign_in(stack: Stack) -> None:
    assert status_of(f"{stack.url}/health/ready/") == 200
    assert status_of(f"{stack.url}/") == 302


def test_manage_py_with_the_same_two_settings_reaches_the_same_instance(stack: Stack) -> None:
    answer = stack.manage(
        "shell", "--no-imports", "-c", "from django.conf import settings as s; print(s.DATA_DIR, s.PORT)"
    )
    assert answer.stdout.split() == [str(stack.data.resolve()), str(stack.port)], answer.stderr


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    ours = {f"socket:[{inode}]" for inode in _sockets(stack)}
    listening = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in ours:
                address, _, port = fields[1].partition(":")
                listening[int(port, 16)] = address
    # 127.0.0.1 as the kernel writes it.
    assert listening == {stack.port: "0100007F", stack.port + 1: "0100007F"}


def _sockets(stack: Stack) -> set[str]:
    found = set()
    for name in EVERYTHING:
        for pid in stack.members(name):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):
                    target = str(file.readlink())
                    if target.startswith("socket:["):
                        found.add(target[len("socket:[") : -1])
    return found


def test_only_the_sandbox_has_its_root_key(stack: Stack) -> None:
    secret = stack.root_key["secret_access_key"].encode()
    assert all(stack.parts(name) for name in PARTS)
    for pid in stack.members("portal"):
        assert secret not in Path(f"/proc/{pid}/environ").read_bytes()


def test_nothing_is_written_outside_its_folder(stack: Stack) -> None:
    assert list((stack.data / "home").iterdir()) == []


def test_secrets_are_their_owners_alone(stack: Stack) -> None:
    for file in (stack.data / "secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


@pytest.mark.parametrize("name", ["worker 1", "tracker", "cron"])
def test_one_killed_part_is_replaced_and_the_others_go_on(stack: Stack, name: str) -> None:
    others = {other: stack.parts(other) for other in PARTS if other != name}
    leader = stack.pid("portal")
    (victim,) = stack.parts(name)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: stack.parts(name) not in ([], [victim]), seconds=30, what=f"another {name}")
    eventually(lambda: len(registered_workers(stack)) == 3, seconds=30, what="three workers at the queue")
    assert {other: stack.parts(other) for other in others} == others
    assert stack.pid("portal") == leader


def test_a_killed_web_serves_again(stack: Stack) -> None:
    leader, killed = stack.pid("portal"), stack.parts("web")
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: set(stack.parts("web")) - set(killed), seconds=30, what="another web")
    eventually(lambda: status_of(f"{stack.url}/health/ready/") == 200, seconds=40, what="the web")
    assert stack.pid("portal") == leader


WATCHER = """
from accounts.models import User
from aws.models import AwsTarget, ServiceRole
from benchmarks.watchers import signed_in
from executions.models import Execution
from tests.support import factories
person = User.objects.create_user("watcher")
target, role = AwsTarget.objects.first(), ServiceRole.objects.first()
version = factories.make_document(person, name="Watched")
run = Execution.objects.create(
    delegation=factories.make_delegation(version, target, role, person, name="Watched"), operator=person,
    version=version, target=target, content_hash=version.sha256, aws_document_name="Watched",
    aws_document_version="1", status="InProgress",
)
print(run.pk, signed_in(person))
"""


def test_a_web_process_that_is_asked_to_stop_ends_its_live_pages_in_order(stack: Stack) -> None:
    made = stack.manage("shell", "--verbosity", "0", "-c", WATCHER)
    run, cookie = made.stdout.split()
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    connection.request("GET", f"/runs/{run}/stream/", headers={"Cookie": cookie})
    stream = connection.getresponse()
    assert stream.status == 200
    heard = b""
    while b"retry" not in heard:
        heard += stream.read1()
    before = stack.parts("web")
    os.kill(before[0], signal.SIGTERM)
    # http.client raises IncompleteRead for a connection that is cut instead of ended.
    stream.read()
    eventually(lambda: set(stack.parts("web")) - set(before), seconds=30, what="another web")


def test_the_killed_portal_is_started_again_with_as_many_workers(stack: Stack) -> None:
    before = stack.pid("portal")
    killed = stack.members("portal")
    stack.kill("portal")
    stack.await_restart("portal", since=before)
    # Two for launches and other jobs, and the tracker.
    eventually(lambda: len(registered_workers(stack)) == 3, seconds=30, what="three workers at the queue")
    assert not registered_workers(stack) & set(killed)


def test_what_a_killed_parent_leaves_behind_ends(stack: Stack) -> None:
    before = stack.pid("portal")
    assert before is not None
    orphans = set(stack.members("portal")) - {before}
    os.kill(before, signal.SIGKILL)
    stack.await_restart("portal", since=before)
    eventually(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), seconds=30, what="their end"
    )
    eventually(lambda: status_of(f"{stack.url}/health/ready/") == 200, seconds=40, what="the web")


def test_the_sandbox_remembers_after_a_kill(stack: Stack) -> None:
    before = stack.pid("sandbox")
    known = _iam_users(stack)
    assert known
    stack.kill("sandbox")
    stack.await_restart("sandbox", since=before)
    eventually(
        lambda: status_of(f"{stack.sandbox_url}/_sandbox/health") == 200, seconds=30, what="the sandbox"
    )
    assert _iam_users(stack) == known


def _iam_users(stack: Stack) -> set[str]:
    import boto3

    client = boto3.client(
        "iam",
        endpoint_url=stack.sandbox_url,
        region_name="us-east-1",
        aws_access_key_id=stack.root_key["access_key_id"],
        aws_secret_access_key=stack.root_key["secret_access_key"],
    )
    return {user["UserName"] for user in client.list_users()["Users"]}


def test_the_queue_s_death_stops_nothing_for_long(stack: Stack) -> None:
    before = stack.pid("valkey")
    stack.kill("valkey")
    stack.await_restart("valkey", since=before)
    eventually(lambda: status_of(f"{stack.url}/health/ready/") == 200, seconds=30, what="the web")
    eventually(lambda: len(registered_workers(stack)) == 3, seconds=60, what="three workers at the queue")


def test_stopped_and_started_again_it_has_yesterdays_data(stack: Stack) -> None:
    people, users = stack.passwords, _iam_users(stack)
    pids = [pid for name in EVERYTHING for pid in stack.members(name)]
    assert stack.stop() == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    assert "Killed" not in stack.console
    stack.start()
    assert stack.passwords == people
    assert _iam_users(stack) == users
