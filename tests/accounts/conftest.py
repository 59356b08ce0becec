from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group

from accounts.models import Delegation, User
from aws.models import AwsTarget, ServiceRole
from common import access
from documents.models import DocumentVersion
from tests.support.factories import make_delegation, make_document, make_role, make_target, publish


@dataclass
class World:
    """A published document, a role that the administrators may use, and a delegation to the operators."""

    target: AwsTarget
    role: ServiceRole
    version: DocumentVersion
    delegation: Delegation
    administrator: User
    author: User
    operator: User
    operators: Group


@pytest.fixture
def world(author, administrator, administrators, operator, operators):
    target = make_target()
    role = make_role(target)
    access.grant("use", role, administrators)
    version = make_document(author)
    publish(version, target)
    delegation = make_delegation(
        version,
        target,
        role,
        administrator,
        name="Launch it",
        constraints={"InstanceType": {"allowed": ["t3.micro", "t3.small"]}},
    )
    access.grant("execute", delegation, operators)
    return World(target, role, version, delegation, administrator, author, operator, operators)


@pytest.fixture
def browser(client, valkey):
    """A client that signs people in."""

    def sign_in(user):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in
