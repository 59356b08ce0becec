"""The standing people of the tests: an author, an administrator, an operator, a colleague and a stranger."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from accounts.models import User

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _plain_settings(settings: Any) -> None:
    # Signing in is in nearly every test; a deliberately slow hash proves nothing there.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


def group(name: str, *capabilities: str) -> Group:
    """Return the group `name`, with `capabilities`."""
    found, _ = Group.objects.get_or_create(name=name)
    wanted = Permission.objects.filter(content_type__app_label="accounts", codename__in=capabilities)
    assert len(wanted) == len(capabilities)
    found.permissions.set(wanted)
    return found


def person(username: str, *groups: Group) -> User:
    """Return a new person in `groups`."""
    user = User.objects.create_user(username, PASSWORD, full_name=username.title())
    user.groups.set(groups)
    return user


@pytest.fixture
def authors(db: None) -> Group:
    return group("Authors", "author")


@pytest.fixture
def administrators(db: None) -> Group:
    return group("Administrators", "administer", "author", "audit")


@pytest.fixture
def operators(db: None) -> Group:
    return group("Operators")


@pytest.fixture
def author(authors: Group) -> User:
    return person("author", authors)


@pytest.fixture
def administrator(administrators: Group) -> User:
    return person("administrator", administrators)


@pytest.fixture
def operator(operators: Group) -> User:
    return person("operator", operators)


@pytest.fixture
def colleague(operators: Group) -> User:
    """Somebody in the operator's group."""
    return person("colleague", operators)


@pytest.fixture
def stranger(db: None) -> User:
    """Somebody with an account and no right at all."""
    return person("stranger")
