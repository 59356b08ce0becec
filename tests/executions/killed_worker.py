"""The parts of the killed worker's story, each a process: `python -m tests.executions.killed_worker PART`.

The portal's code has no place where it can be made to fail: the worker that dies wraps the gateway itself.
"""

import json
import os
import signal
import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

import django_rq  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from rq import SimpleWorker  # noqa: E402

from accounts.models import User  # noqa: E402
from aws.gateway import SsmGateway  # noqa: E402
from aws.laboratory import Key, Laboratory  # noqa: E402
from aws.models import AwsTarget  # noqa: E402
from common import access  # noqa: E402
from common.clock import now  # noqa: E402
from executions import services, tracking  # noqa: E402
from executions.models import Execution, Status  # noqa: E402
from executions.reconciling import reconcile  # noqa: E402
from tests.executions.conftest import lab_target, publish  # noqa: E402
from tests.support import factories  # noqa: E402


def prepare(given: dict[str, Any]) -> None:
    """Make people, a target and a delegation."""
    laboratory = Laboratory(**given["laboratory"])
    operators = Group.objects.create(name="Operators")
    User.objects.create_user("operator").groups.add(operators)
    author = User.objects.create_user("author")
    target = lab_target(given["url"], laboratory, Key(**given["key"]))
    role = factories.make_role(target, arn=laboratory.service_role_arn)
    version = factories.make_document(author, name="launch-in-a-crash")
    publish(version, target)
    delegation = factories.make_delegation(version, target, role, author)
    access.grant("execute", delegation, operators)


def launch(given: dict[str, Any]) -> None:
    """Press Execute."""
    run = services.launch(
        actor=User.objects.get(username="operator"),
        delegation=factories.Delegation.objects.get(),
        values={"ImageId": given["laboratory"]["image_id"]},
    )
    sys.stdout.write(json.dumps({"run": str(run.pk)}))


def work(given: dict[str, Any]) -> None:
    """Be a worker until the queues are empty."""
    connection = django_rq.get_connection("default")
    queues = [django_rq.get_queue(name) for name in ("launch", "default", "tracking")]
    SimpleWorker(queues, connection=connection).work(burst=True, logging_level="WARNING")


def die_before_the_call(given: dict[str, Any]) -> None:
    """Be a worker that is killed when it has claimed the run and not yet called AWS."""

    def start(self: SsmGateway, **request: Any) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return ""

    SsmGateway.start = start  # type: ignore[method-assign]
    work(given)


def die_after_the_call(given: dict[str, Any]) -> None:
    """Be a worker that is killed when AWS has answered and the answer is not yet kept."""
    really_start = SsmGateway.start

    def start(self: SsmGateway, **request: Any) -> str:
        really_start(self, **request)
        os.kill(os.getpid(), signal.SIGKILL)
        return ""

    SsmGateway.start = start  # type: ignore[method-assign]
    work(given)


def a_minute_passes(given: dict[str, Any]) -> None:
    """Let the dead worker's claim grow old, and let cron do what it does every ten seconds."""
    earlier = now() - timedelta(seconds=61)
    Execution.objects.filter(pk=given["run"]).update(requested_at=earlier, claimed_at=earlier)
    reconcile()


def tell(given: dict[str, Any]) -> None:
    """Say how the run stands."""
    run = Execution.objects.get(pk=given["run"])
    sys.stdout.write(
        json.dumps(
            {
                "status": run.status,
                "failure": run.failure,
                "aws_execution_id": run.aws_execution_id,
                "instances": run.outputs.get("launch.InstanceIds", []),
            }
        )
    )


def add_a_dead_target(given: dict[str, Any]) -> None:
    """Make a run in a target whose AWS does not answer, and have it followed."""
    run = Execution.objects.get(pk=given["run"])
    dead = AwsTarget.objects.create(
        name="Dead", account_id="210987654321", region="us-east-1", endpoint_url="http://127.0.0.1:9"
    )
    run.pk, run.target, run.status, run.aws_execution_id = None, dead, Status.IN_PROGRESS, "unreachable"
    run.save(force_insert=True)
    tracking.ensure(dead.pk)


def send(given: dict[str, Any]) -> None:
    """Be a worker that sends what is to be launched, and follows nothing."""
    connection = django_rq.get_connection("default")
    SimpleWorker([django_rq.get_queue("launch")], connection=connection).work(
        burst=True, logging_level="WARNING"
    )


PARTS = {
    part.__name__: part
    for part in (
        prepare,
        launch,
        work,
        die_before_the_call,
        die_after_the_call,
        a_minute_passes,
        tell,
        add_a_dead_target,
        send,
    )
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](json.loads(sys.stdin.read()))
