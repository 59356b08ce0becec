"""What people and a later worker do in the drained processes' story: one process, asked a line at a time.

Each line on standard input names a part and gives its arguments, as JSON; each answer is a line as well.
"""

import json
import sys
from typing import Any

import django

django.setup()

import django_rq  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from rq import SimpleWorker  # noqa: E402

from accounts.models import Delegation, User  # noqa: E402
from aws.laboratory import Key, Laboratory  # noqa: E402
from common import access  # noqa: E402
from executions import services  # noqa: E402
from executions.models import Execution, TrackingLease  # noqa: E402
from tests.executions.conftest import PAUSED_TEXT, lab_target, publish  # noqa: E402
from tests.support import factories  # noqa: E402
from tests.support.people import PASSWORD  # noqa: E402


def prepare(url: str, laboratory: dict[str, Any], key: dict[str, Any]) -> None:
    """Make people, a target, and a delegation of a document that ends at once and of one that waits."""
    call_command("migrate", verbosity=0)
    known = Laboratory(**laboratory)
    operators = Group.objects.create(name="Operators")
    User.objects.create_user("operator", PASSWORD).groups.add(operators)
    author = User.objects.create_user("author")
    target = lab_target(url, known, Key(**key))
    role = factories.make_role(target, arn=known.service_role_arn)
    for name, text in (("drained", factories.LAUNCH_TEXT), ("waiting", PAUSED_TEXT)):
        version = factories.make_document(author, name=name, text=text)
        publish(version, target)
        delegation = factories.make_delegation(version, target, role, author, name=name)
        access.grant("execute", delegation, operators)


def launch(delegation: str, count: int, values: dict[str, str]) -> list[str]:
    """Press Execute `count` times; give the runs."""
    actor, found = User.objects.get(username="operator"), Delegation.objects.get(name=delegation)
    return [str(services.launch(actor=actor, delegation=found, values=values).pk) for _ in range(count)]


def work(*queues: str) -> None:
    """Be a worker until these queues are empty."""
    connection = django_rq.get_connection("default")
    SimpleWorker([django_rq.get_queue(name) for name in queues], connection=connection).work(
        burst=True, logging_level="WARNING"
    )


def tell(*runs: str) -> dict[str, Any]:
    """Say how runs stand, who follows their target, and how many jobs wait."""
    found = Execution.objects.filter(pk__in=runs)
    return {
        "runs": list(found.values("status", "aws_execution_id", "failure")),
        "leases": TrackingLease.objects.exclude(until=None).count(),
        "jobs": {name: django_rq.get_queue(name).count for name in ("launch", "tracking")},
    }


PARTS = {part.__name__: part for part in (prepare, launch, work, tell)}

if __name__ == "__main__":
    for line in sys.stdin:
        name, arguments, options = json.loads(line)
        answer = PARTS[name](*arguments, **options)  # type: ignore[operator]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
