"""A portal used for two years by an organisation of a thousand: documents, people, grants, runs.

The same numbers give the same portal, but for the moment it is made at. Small tables are filled through the
models; runs, their steps and their events, of which there are millions, by COPY and by INSERT … SELECT.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model

from accounts.models import Delegation, DelegationGroupPermission, DelegationUserPermission, User
from aws.models import AwsTarget, ServiceRole
from benchmarks.bulk import settle, unguarded, write, write_steps_and_events
from common.clock import now
from documents.models import (
    Document,
    DocumentGroupPermission,
    DocumentUserPermission,
    DocumentVersion,
    Publication,
    content_hash,
)
from executions.models import Execution, ExecutionEvent, StepExecution

SPAN = timedelta(days=730)
BATCH = 2000
TARGETS = 10
GROUPS_EACH = 3
# Delegations that were run much and are run no more: whoever was left with them alone sees only old runs.
RETIRED = 4
RETIRED_SHARE = 0.05
RETIRED_UNTIL = 0.5
# The newest of the runs are under way, one of ten of these waits for an answer.
UNFINISHED_SHARE = 0.005
UNFINISHED = ["InProgress"] * 14 + ["Waiting"] * 2 + ["Pending"] * 2 + ["Queued", "Starting"]
ENDED = {
    "Success": 860,
    "Failed": 80,
    "Cancelled": 30,
    "TimedOut": 20,
    "Refused": 8,
    "Rejected": 1,
    "Lost": 1,
}
VERBS = ("Restart", "Launch", "Patch", "Rotate", "Scale", "Drain", "Snapshot", "Restore", "Stop", "Tag")
THINGS = ("instance", "fleet", "database", "cluster", "bucket", "queue", "gateway", "cache", "volume", "role")
PLACES = ("billing", "search", "checkout", "reports", "intranet", "archive", "mail", "studio", "depot", "lab")

TEXT = """\
schemaVersion: "0.3"
description: {description}
assumeRole: "{{{{ AutomationAssumeRole }}}}"
parameters:
  AutomationAssumeRole:
    type: AWS::IAM::Role::Arn
    description: The role to act as.
  InstanceId:
    type: String
    description: What to act on.
mainSteps:
  - name: look
    action: aws:executeAwsApi
    inputs:
      Service: ec2
      Api: DescribeInstances
      InstanceIds: ["{{{{ InstanceId }}}}"]
    outputs:
      - Name: State
        Selector: $.Reservations[0].Instances[0].State.Name
        Type: String
  - name: act
    action: aws:changeInstanceState
    inputs:
      InstanceIds: ["{{{{ InstanceId }}}}"]
      DesiredState: running
outputs:
  - look.State
"""


@dataclass(frozen=True)
class Sizes:
    """How many there are of everything."""

    documents: int
    users: int
    groups: int
    runs: int


@dataclass(frozen=True)
class Population:
    """Whose pages are measured.

    Attributes:
        administrator: sees everything by capability.
        few, typical: operators, by how many delegations they may see.
        overseer: was granted the sight of nearly every delegation, and administers nothing.
        retired: sees only delegations that have not been run for a year.
        busiest: the document with the most delegations and holders.
    """

    administrator: User
    few: list[User]
    typical: list[User]
    overseer: User
    retired: User
    busiest: Document


class _Maker:
    def __init__(self, sizes: Sizes, seed: int) -> None:
        self.sizes = sizes
        self.chance = random.Random(seed)
        self.now = now()
        # (delegation, operators who hold it) of those that anybody may run.
        self.runnable: list[tuple[Delegation, list[int]]] = []

    def people(self) -> None:
        groups = [Group(name=f"Team {number:03}") for number in range(self.sizes.groups)]
        extra = [Group(name=name) for name in ("Administrators", "Overseers", "Left behind")]
        Group.objects.bulk_create([*groups, *extra])
        self.groups = groups
        self.administrators, self.overseers, self.left_behind = extra
        held = Permission.objects.filter(
            content_type__app_label="accounts", codename__in=("administer", "author", "audit")
        )
        self.administrators.permissions.set(held)
        ordinary = [
            User(username=f"person-{number:04}", full_name=f"Person {number:04}", password="!")
            for number in range(self.sizes.users)
        ]
        special = [
            User(username=name, full_name=name.title(), password="!")
            for name in ("administrator", "overseer", "retired")
        ]
        User.objects.bulk_create([*ordinary, *special], batch_size=BATCH)
        self.users, (self.administrator, self.overseer, self.retired) = ordinary, special
        member = User.groups.through
        rows = [
            member(user=user, group=group)
            for user in ordinary
            for group in self.chance.sample(groups, min(GROUPS_EACH, len(groups)))
        ]
        pairs = zip(special, extra, strict=True)
        rows += [member(user=user, group=group) for user, group in pairs]
        member.objects.bulk_create(rows, batch_size=BATCH)
        self.members: dict[int, list[int]] = {group.pk: [] for group in (*groups, *extra)}
        for row in rows:
            self.members[row.group_id].append(row.user_id)

    def documents(self) -> None:
        self.targets = [
            AwsTarget(name=f"Account {number}", account_id=f"{100000000000 + number}", region="eu-west-1")
            for number in range(TARGETS)
        ]
        AwsTarget.objects.bulk_create(self.targets)
        self.roles = [
            ServiceRole(
                target=target, name="Automation", arn=f"arn:aws:iam::{target.account_id}:role/Automation"
            )
            for target in self.targets
        ]
        ServiceRole.objects.bulk_create(self.roles)
        made = []
        for number in range(self.sizes.documents):
            verb, thing = self.chance.choice(VERBS), self.chance.choice(THINGS)
            place = self.chance.choice(PLACES)
            made.append(
                Document(
                    name=f"{verb}-{thing}-{place}-{number:05}",
                    description=f"{verb}s the {thing} of {place}, and says how it went.",
                    owner=self.chance.choice(self.users),
                    latest_number=1,
                    updated_at=self.moment(number / self.sizes.documents),
                )
            )
        self.made_documents = Document.objects.bulk_create(made, batch_size=BATCH)
        versions = []
        for document in made:
            text = TEXT.format(description=document.description)
            versions.append(
                DocumentVersion(
                    document=document,
                    number=1,
                    text=text,
                    sha256=content_hash(text),
                    format="YAML",
                    author=document.owner,
                )
            )
        self.versions = DocumentVersion.objects.bulk_create(versions, batch_size=BATCH)
        self.version_targets = [self.chance.sample(self.targets, 2) for _ in versions]
        published = [
            Publication(
                version=version,
                target=target,
                status=Publication.Status.ACTIVE,
                aws_name=version.document.name,
                aws_version="1",
                aws_hash=version.sha256,
                requested_by=version.author,
                published_at=self.now,
            )
            for version, targets in zip(versions, self.version_targets, strict=True)
            for target in targets
        ]
        Publication.objects.bulk_create(published, batch_size=BATCH)
        self._share(made)

    def _share(self, documents: list[Document]) -> None:
        right = self._rights(Document)
        to_users = [
            DocumentUserPermission(user=document.owner, content_object=document, permission=right[name])
            for document in documents
            for name in ("view", "edit", "share", "publish")
        ]
        to_groups = []
        for group in self.groups:
            shared = self.chance.sample(documents, self._share_of(len(documents)))
            for place, document in enumerate(shared):
                name = "edit" if place % 10 == 0 else "view"
                to_groups.append(
                    DocumentGroupPermission(group=group, content_object=document, permission=right[name])
                )
        DocumentUserPermission.objects.bulk_create(to_users, batch_size=BATCH)
        DocumentGroupPermission.objects.bulk_create(to_groups, batch_size=BATCH)

    def _share_of(self, number: int) -> int:
        """Return how many of `number` a team holds: from 2 in a thousand to 4 in a hundred."""
        return max(1, int(number * 0.002 * 20 ** self.chance.random()))

    def _rights(self, model: type[Model]) -> dict[str, Permission]:
        found = Permission.objects.filter(
            content_type__app_label=model._meta.app_label, content_type__model=model._meta.model_name
        )
        return {row.codename: row for row in found}

    def delegations(self) -> None:
        made = []
        for place, version in enumerate(self.versions):
            # One document is delegated thirty times, one of four not at all, most once.
            count = 30 if place == 0 else self.chance.choice((0, 1, 1, 1, 1, 1, 2, 0, 1, 2))
            for number in range(count):
                target = self.chance.choice(self.version_targets[place])
                role = self.roles[self.targets.index(target)] if self.chance.random() < 0.9 else None
                made.append(
                    Delegation(
                        name=f"{version.document.name.replace('-', ' ')} {chr(97 + number % 26)}{number}",
                        description=version.document.description,
                        document=version.document,
                        version=version,
                        target=target,
                        service_role=role,
                        created_by=self.administrator,
                        enabled=self.chance.random() < 0.97,
                    )
                )
        self.made_delegations = Delegation.objects.bulk_create(made, batch_size=BATCH)
        self._delegate(made)

    def _delegate(self, delegations: list[Delegation]) -> None:
        right = self._rights(Delegation)
        ordinary, retired = delegations[:-RETIRED], delegations[-RETIRED:]
        held: dict[tuple[int, int], tuple[Group, Delegation, str]] = {}
        for group in self.groups:
            chosen = self.chance.sample(ordinary, self._share_of(len(ordinary)))
            # Every third team may run what the busiest document does.
            if group.pk % 3 == 0:
                chosen += [row for row in ordinary if row.document_id == self.made_documents[0].pk]
            for delegation in chosen:
                drawn = self.chance.random()
                name = "execute" if drawn < 0.8 else "view" if drawn < 0.95 else "approve"
                held[group.pk, delegation.pk] = (group, delegation, name)
        rows = list(held.values())
        rows += [(self.left_behind, delegation, "execute") for delegation in retired]
        rows += [(self.overseers, delegation, "view") for delegation in ordinary]
        DelegationGroupPermission.objects.bulk_create(
            [
                DelegationGroupPermission(group=group, content_object=delegation, permission=right[name])
                for group, delegation, name in rows
            ],
            batch_size=BATCH,
        )
        in_person = [
            (user, delegation)
            for user in self.users
            for delegation in self.chance.sample(ordinary, min(3, len(ordinary)))
        ]
        DelegationUserPermission.objects.bulk_create(
            [
                DelegationUserPermission(user=user, content_object=delegation, permission=right["execute"])
                for user, delegation in in_person
            ],
            batch_size=BATCH,
        )
        runners: dict[int, list[int]] = {}
        for group, delegation, name in held.values():
            if name == "execute":
                runners.setdefault(delegation.pk, []).extend(self.members[group.pk])
        for user, delegation in in_person:
            runners.setdefault(delegation.pk, []).append(user.pk)
        self.runnable = [(row, runners[row.pk]) for row in ordinary if runners.get(row.pk)]
        self.made_retired = retired

    def moment(self, share: float) -> datetime:
        """Return the moment at which `share` of the two years had gone."""
        return self.now - SPAN * (1 - share)

    def runs(self) -> Iterator[dict[str, Any]]:
        """Return the runs, the oldest first."""
        chance, total = self.chance, self.sizes.runs
        order = list(self.runnable)
        chance.shuffle(order)
        # Few delegations are run all the time, most now and then.
        weights = [1 / (place + 20) for place in range(len(order))]
        states, shares = list(ENDED), list(ENDED.values())
        parameters = json.dumps({"InstanceId": ["i-0123456789abcdef0"], "AutomationAssumeRole": ["role"]})
        outputs = json.dumps({"look.State": ["running"]})
        retired_end = int(total * RETIRED_UNTIL)
        for start in range(0, total, BATCH):
            size = min(BATCH, total - start)
            chosen = chance.choices(order, weights, k=size)
            ended = chance.choices(states, shares, k=size)
            for place in range(size):
                number = start + place
                delegation, operators = chosen[place]
                operator = chance.choice(operators)
                if number < retired_end and chance.random() < RETIRED_SHARE / RETIRED_UNTIL:
                    delegation, operator = chance.choice(self.made_retired), self.administrator.pk
                at = self.moment(number / total)
                under_way = number >= total * (1 - UNFINISHED_SHARE)
                status = chance.choice(UNFINISHED) if under_way else ended[place]
                sent = status not in {"Queued", "Starting", "Refused"}
                key = uuid.UUID(int=chance.getrandbits(128), version=4)
                yield {
                    "id": key,
                    "delegation_id": delegation.pk,
                    "operator_id": operator,
                    "version_id": delegation.version_id,
                    "target_id": delegation.target_id,
                    "content_hash": "0" * 64,
                    "aws_document_name": delegation.document.name,
                    "aws_document_version": "1",
                    "parameters": parameters,
                    "status": status,
                    "failure": "Step fails when it is validating the state." if status == "Failed" else "",
                    "aws_execution_id": str(key) if sent else "",
                    "current_step": "act" if sent else "",
                    "outputs": outputs,
                    "requested_at": at,
                    "started_at": at if sent else None,
                    "ended_at": None if under_way else at + timedelta(seconds=90),
                    "observed_at": at,
                    "last_event": 4,
                }

    def population(self) -> Population:
        sees: dict[int, int] = {}
        for grant in DelegationGroupPermission.objects.filter(group__in=self.groups):
            for user in self.members[grant.group_id]:
                sees[user] = sees.get(user, 0) + 1
        by_sight = sorted(self.users, key=lambda user: (sees.get(user.pk, 0), user.pk))
        middle = len(by_sight) // 2
        return Population(
            administrator=self.administrator,
            few=by_sight[:10],
            typical=by_sight[middle : middle + 20],
            overseer=self.overseer,
            retired=self.retired,
            busiest=self.made_documents[0],
        )


def fill(sizes: Sizes, seed: int = 1) -> Population:
    """Fill the empty, migrated database that Django's settings name."""
    maker = _Maker(sizes, seed)
    maker.people()
    maker.documents()
    maker.delegations()
    tables = [model._meta.db_table for model in (Execution, StepExecution, ExecutionEvent)]
    with unguarded(tables):
        write(Execution, maker.runs())
        write_steps_and_events()
    settle()
    return maker.population()
