"""The stage of the crash suite: people, targets, documents, and what people do with runs.

Everything here acts through the portal's own services, as its pages do.
"""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.contrib.auth.models import Group
from django.db import Error as DatabaseError
from django.db import connections

from accounts.models import Delegation, User
from aws.connections import as_portal
from aws.laboratory import (
    PORTAL_ROLE,
    PORTAL_USER,
    SERVICE_ROLE,
    Key,
    Laboratory,
    LaboratoryAccount,
    portal_role_policy,
    service_role_trust,
)
from aws.models import AwsTarget
from aws.vault import seal
from common import access
from common.errors import PortalError
from documents.models import DocumentVersion
from executions import services
from executions.models import FINAL, Execution, Signal
from executions.transitions import IN_FLIGHT_IN_AWS
from tests.crash.points import ASKING, LONG, SHORT
from tests.executions.conftest import lab_target
from tests.support import factories

# Each Region is a target with a tracker and quotas of its own: what waits for a lease waits side by side.
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")
OPERATORS = ("operator", "second-operator")
# An answer names no step for AWS: one that is sent twice would answer the second question as well.
QUESTIONS = ("ask", "askAgain")
EXTERNAL_ID = "the-tests"
PAUSE_SECONDS = 0.1

_HEAD = """\
schemaVersion: "0.3"
description: A run of the crash suite.
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole: {type: "AWS::IAM::Role::Arn", default: ""}
mainSteps:
"""
_SLEEP = """\
  - name: hold
    action: aws:sleep
    inputs: {Duration: %s}
"""
_ASK = """\
  - name: %s
    action: aws:approve
    inputs:
      Message: May it go on?
      MinRequiredApprovals: 1
      Approvers: ["%s"]
"""


def documents(approver: str) -> Mapping[str, str]:
    """Return the suite's documents: one that ends soon, one that asks, one that lasts."""
    return {
        SHORT: _HEAD + _SLEEP % "PT1S",
        ASKING: _HEAD + "".join(_ASK % (step, approver) for step in QUESTIONS),
        LONG: _HEAD + _SLEEP % "PT1H",
    }


def build(account: LaboratoryAccount) -> None:
    """Make people, targets in every Region, documents in AWS, and a delegation for each pair.

    Where they are in the database already, only the account is readied, and the portal led into it.
    """
    laboratory = account.provision(external_id=EXTERNAL_ID)
    _open_regions(account, laboratory)
    key = account.new_key(PORTAL_USER)
    if not AwsTarget.objects.exists():
        _populate(account, laboratory, key)
    for target in AwsTarget.objects.all():
        target.endpoint_url = account._endpoint_url
        target.access_key_id = key.access_key_id
        target.sealed_secret = seal({"secret_access_key": key.secret_access_key})
        target.save()
        gateway = as_portal(target, on_behalf_of="tests")
        for version in DocumentVersion.objects.select_related("document"):
            gateway.create_or_update_document(
                name=version.document.name, text=version.text, format=version.format
            )


def _open_regions(account: LaboratoryAccount, laboratory: Laboratory) -> None:
    iam = account.client("iam")
    iam.update_assume_role_policy(
        RoleName=SERVICE_ROLE, PolicyDocument=service_role_trust(laboratory.account_id, region="*")
    )
    for region in REGIONS:
        iam.put_role_policy(
            RoleName=PORTAL_ROLE,
            PolicyName=f"automation-{region}",
            PolicyDocument=portal_role_policy(laboratory.account_id, region),
        )


def _populate(account: LaboratoryAccount, laboratory: Laboratory, key: Key) -> None:
    author = User.objects.create_user("author", full_name="The Author")
    operators = Group.objects.create(name="Operators")
    approvers = Group.objects.create(name="Approvers")
    for name in OPERATORS:
        User.objects.create_user(name, full_name=name.title()).groups.add(operators)
    User.objects.create_user("approver", full_name="The Approver").groups.add(approvers)
    versions = {
        name: factories.make_document(author, name=f"crash-{name}", text=text)
        for name, text in documents(laboratory.portal_role_arn).items()
    }
    for region in REGIONS:
        target = lab_target(account._endpoint_url, laboratory, key)
        AwsTarget.objects.filter(pk=target.pk).update(name=region, region=region)
        target.refresh_from_db()
        role = factories.make_role(target, arn=laboratory.service_role_arn)
        for name, version in versions.items():
            made = factories.make_delegation(version, target, role, author, name=f"{name} in {region}")
            access.grant("execute", made, operators)
            access.grant("approve", made, approvers)


def run_ids(seed: str, count: int) -> list[uuid.UUID]:
    """Return the ids of a batch's runs: the same for the same seed."""
    space = uuid.uuid5(uuid.NAMESPACE_URL, seed)
    # ClientTokens are UUIDs of the fourth version for AWS.
    return [uuid.UUID(bytes=uuid.uuid5(space, str(n)).bytes, version=4) for n in range(count)]


class Presses:
    """What a person's browser remembers: which presses were answered. A press that was not is repeated."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)

    def done(self) -> set[str]:
        """Return what was answered so far."""
        return set(self._file.read_text(encoding="utf-8").split()) if self._file.exists() else set()

    def note(self, name: str) -> None:
        """Remember that it was answered."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(name + "\n")


def persist(press: Callable[[], object]) -> bool:
    """Do what a person does once; answer whether the portal answered at all, were it with a refusal."""
    try:
        press()
    except PortalError:
        return True
    except DatabaseError:
        # An error page. The connection is the next request's to make anew.
        connections.close_all()
        return False
    return True


def launch(runs: Sequence[tuple[uuid.UUID, str]], presses: Presses) -> None:
    """Press Execute once for each (id, document), by turns in every target; repeat what was not answered."""
    done = presses.done()
    for number, (run_id, document) in enumerate(runs):
        if (name := f"launch-{run_id}") in done:
            continue
        while not persist(partial(_launch, run_id, document, number)):
            time.sleep(PAUSE_SECONDS)
        presses.note(name)


def _launch(run_id: uuid.UUID, document: str, number: int) -> None:
    region = REGIONS[number % len(REGIONS)]
    operator = OPERATORS[number // len(REGIONS) % len(OPERATORS)]
    services.launch(
        actor=User.objects.get(username=operator),
        delegation=Delegation.objects.get(name=f"{document} in {region}"),
        values={},
        run_id=run_id,
    )


def attend(runs: Sequence[tuple[uuid.UUID, str]], presses: Presses) -> None:
    """Answer what asks and cancel what lasts, each once, until every run has ended."""
    wanted = dict(runs)
    while True:
        with suppress(DatabaseError):
            if not _attend(wanted, presses):
                return
        connections.close_all()
        time.sleep(PAUSE_SECONDS)


def _attend(wanted: Mapping[uuid.UUID, str], presses: Presses) -> bool:
    done = presses.done()
    found = list(Execution.objects.filter(pk__in=list(wanted)).only("pk", "status", "cancel_requested_at"))
    for run in found:
        document = wanted[run.pk]
        if document == LONG and run.status in IN_FLIGHT_IN_AWS and run.cancel_requested_at is None:
            name, press = f"cancel-{run.pk}", partial(services.cancel, actor=run.operator, execution=run)
        elif document == ASKING and run.status not in FINAL and (step := _question(run)):
            name, press = f"approve-{run.pk}-{step}", partial(_approve, run, step)
        else:
            continue
        if name not in done and persist(press):
            presses.note(name)
    return len(found) < len(wanted) or any(run.status not in FINAL for run in found)


def _question(run: Execution) -> str:
    """Return the step that waits for an answer; "" without one, or while an answer is on its way."""
    if Signal.objects.filter(execution=run, sent_at=None, failure="").exists():
        return ""
    answered = Signal.objects.filter(execution=run).values("step")
    waiting = run.steps.filter(status__in=services.WAITING_STEP).exclude(name__in=answered)
    return waiting.values_list("name", flat=True).first() or ""


def _approve(run: Execution, step: str) -> None:
    services.signal(
        actor=User.objects.get(username="approver"),
        execution=run,
        kind=Signal.Kind.APPROVE,
        step=step,
        comment=answer_to(step),
    )


def answer_to(step: str) -> str:
    """Return the comment with which a step is answered."""
    return f"yes to <{step}>"
