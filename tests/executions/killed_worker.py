"""The parts of the killed worker's story, each a process: `python -m tests.executions.killed_worker PART`.

The portal's code has no place where it can be made to fail: the worker that dies wraps the gateway itself.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

import django_rq  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from rq import SimpleWorker  # noqa: E402

from accounts.models import User  # noqa: E402
from aws.connections import as_portal  # noqa: E402
from aws.gateway import SsmGateway  # noqa: E402
from aws.laboratory import Key, Laboratory  # noqa: E402
from aws.models import AwsTarget  # noqa: E402
from common import access  # noqa: E402
from common.clock import now  # noqa: E402
from executions import observing, services, stepping, tracking  # noqa: E402
from executions.models import Execution, Signal, Status  # noqa: E402
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
    Signal.objects.filter(execution=given["run"], sent_at=None).update(
        requested_at=earlier, claimed_at=earlier
    )
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
                "signals": [
                    (said.kind, said.sent_at is not None, said.failure) for said in run.signals.all()
                ],
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


def launch_step_by_step(given: dict[str, Any]) -> None:
    """Press Execute, with each step to be started by a person; be the worker; wait until AWS waits."""
    run = services.launch(
        actor=User.objects.get(username="operator"),
        delegation=factories.Delegation.objects.get(),
        values={"ImageId": given["laboratory"]["image_id"]},
        step_by_step=True,
    )
    send(given)
    _look_until(run, lambda: run.status == Status.WAITING)
    sys.stdout.write(json.dumps({"run": str(run.pk)}))


def _look_until(run: Execution, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        run.refresh_from_db()
        if condition():
            return
        remote = as_portal(run.target, on_behalf_of="tests").execution(run.aws_execution_id)
        observing.apply(run, remote)
        time.sleep(0.1)
    raise AssertionError(f"The run is {run.status}")


def ask_to_start(given: dict[str, Any]) -> None:
    """Ask for the run's step to be started."""
    run = Execution.objects.get(pk=given["run"])
    stepping.control_step(actor=run.operator, execution=run, kind="StartStep", step="launch")


def die_before_the_signal(given: dict[str, Any]) -> None:
    """Be a worker that is killed when it has claimed the request and not yet called AWS."""

    def tell_aws(self: SsmGateway, *request: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    SsmGateway.signal = tell_aws  # type: ignore[method-assign]
    send(given)


def die_after_the_signal(given: dict[str, Any]) -> None:
    """Be a worker that is killed when AWS has taken the request and that is not yet kept."""
    really_tell = SsmGateway.signal

    def tell_aws(self: SsmGateway, *request: Any) -> None:
        really_tell(self, *request)
        os.kill(os.getpid(), signal.SIGKILL)

    SsmGateway.signal = tell_aws  # type: ignore[method-assign]
    send(given)


def complete(given: dict[str, Any]) -> None:
    """Complete the run when its step has ended, and wait until AWS has ended it."""
    run = Execution.objects.get(pk=given["run"])

    def has_run() -> bool:
        found = stepping.choices(run, list(run.steps.all()))
        return found is not None and found.waits and found.begun and not found.asked

    _look_until(run, has_run)
    stepping.control_step(actor=run.operator, execution=run, kind="Complete")
    send(given)
    _look_until(run, lambda: run.is_final)


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
        launch_step_by_step,
        ask_to_start,
        die_before_the_signal,
        die_after_the_signal,
        complete,
    )
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](json.loads(sys.stdin.read()))
