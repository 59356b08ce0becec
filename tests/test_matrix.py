"""Who gets what at which address: every address of the portal has its row, or this fails.

The default is denial: who is not signed in is sent to sign in (302), who may not know gets 404, who may
know but not do gets 403. What a row leaves out is 404.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import User
from aws.models import AwsTarget, CallerIdentity, ServiceRole
from common import access
from documents.models import DocumentVersion, Policy
from executions.models import Execution, Status
from tests.support.factories import LAUNCH_TEXT, make_delegation, make_document, make_role, make_target
from tests.support.matrix_rows import PERSONAS, ROWS, Row
from tests.support.people import person


def addresses(patterns: list[Any], namespace: str = "") -> set[str]:
    """Return the names of all addresses below `patterns`, with their namespace."""
    found: set[str] = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            found |= addresses(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            assert pattern.name, f"{pattern} has no name"
            found.add(f"{namespace}{pattern.name}")
    return found


@dataclass
class World:
    """One of everything, owned by the author, delegated to the operators, launched by the operator."""

    people: dict[str, User]
    values: dict[str, Any] = field(default_factory=dict)


@pytest.fixture
def world(author, administrator, operator, colleague, stranger, operators, administrators):
    target = make_target()
    role = make_role(target)
    access.grant("use", role, administrators)
    version = make_document(author)
    delegation = make_delegation(version, target, role, administrator)
    access.grant("execute", delegation, operators)
    run = Execution.objects.create(
        delegation=delegation,
        operator=operator,
        version=version,
        target=target,
        content_hash=version.sha256,
        aws_document_name=version.document.name,
        aws_document_version="1",
        status=Status.SUCCESS,
    )
    people = {
        "author": author,
        "administrator": administrator,
        "operator": operator,
        "colleague": colleague,
        "stranger": stranger,
    }
    return World(
        people,
        {
            "document": version.document.pk,
            "number": version.number,
            "publication": version.publications.get().pk,
            "delegation": delegation.pk,
            "run": run.pk,
            "target": target.pk,
            "role": role.pk,
            "policy": Policy.objects.create(name="Tags", rules={"required_tags": ["Owner"]}).pk,
            "person": colleague.pk,
            "group": operators.pk,
            "newer": DocumentVersion.objects.create(
                document=version.document, number=2, text=LAUNCH_TEXT, format="YAML", author=author
            ).number,
            "identity": CallerIdentity.objects.create(user=operator, target=target).pk,
        },
    )


def test_every_address_has_its_row():
    assert addresses(get_resolver().url_patterns) == set(ROWS)


def asked(client, world, method, address):
    """Return the status that each persona gets."""
    seen = {}
    for persona in ("anonymous", *PERSONAS):
        client.logout()
        if persona != "anonymous":
            client.force_login(world.people[persona], backend="django.contrib.auth.backends.ModelBackend")
        # As good as empty: a browser sends its token at least.
        given = {"nothing": "said"} if method == "post" else {}
        seen[persona] = getattr(client, method)(address, given).status_code
    return seen


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", sorted(ROWS))
def test_each_persona_gets_what_their_row_says(name, method, world, client, valkey):
    row: Row = ROWS[name]
    address = reverse(name, args=[world.values[argument] for argument in row.arguments])
    assert asked(client, world, method, address) == row.statuses(method)


@pytest.fixture
def neighbours(world, authors, administrator):
    """The same things once more, somebody else's: no grant to the world's people reaches them."""
    other = person("other", authors)
    version = make_document(other, name="neighbour")
    DocumentVersion.objects.create(
        document=version.document, number=2, text=LAUNCH_TEXT, format="YAML", author=other
    )
    target = AwsTarget.objects.get()
    delegation = make_delegation(
        version, target, ServiceRole.objects.get(), administrator, name="The neighbour's"
    )
    access.grant("execute", delegation, other)
    run = Execution.objects.create(
        delegation=delegation, operator=other, version=version, target=target, status=Status.SUCCESS
    )
    return {
        **world.values,
        "document": version.document.pk,
        "publication": version.publications.get().pk,
        "delegation": delegation.pk,
        "run": run.pk,
        "identity": CallerIdentity.objects.create(user=other, target=target).pk,
    }


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if row.arguments))
def test_a_right_to_one_thing_opens_no_other(name, world, neighbours, client, valkey):
    row: Row = ROWS[name]
    address = reverse(name, args=[neighbours[argument] for argument in row.arguments])
    for method in ("get", "post"):
        seen = asked(client, world, method, address)
        assert seen.pop("anonymous") == 302
        # An administrator's rights are not about single things.
        del seen["administrator"]
        assert set(seen.values()) in ({404}, {405}), seen
