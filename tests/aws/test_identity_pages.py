import pytest
from django.urls import reverse

from aws import services
from aws.models import AwsTarget, CallerIdentity
from common import access
from common.clock import now
from tests.support.factories import make_delegation, make_document, make_target

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def target(author, administrator, operators):
    target = make_target()
    delegation = make_delegation(make_document(author), target, None, administrator)
    access.grant("execute", delegation, operators)
    return target


@pytest.fixture
def browser(client, valkey):
    def sign_in(user):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


def keep(client, target, **changes):
    sent = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": SECRET, **changes}
    return client.post(reverse("aws:identity-edit", args=[target.pk]), sent)


def test_it_asks_only_those_who_run_something_as_themselves(target, browser, operator, stranger):
    assert "Add a key" in browser(operator).get(reverse("aws:identity")).content.decode()
    text = browser(stranger).get(reverse("aws:identity")).content.decode()
    assert "You need none" in text
    assert target.account_id not in text
    assert browser(stranger).get(reverse("aws:identity-edit", args=[target.pk])).status_code == 404


def test_a_secret_is_never_rendered_back(target, browser, operator):
    client = browser(operator)
    refused = keep(client, target, session_token="a token that has no place here")
    assert refused.status_code == 400
    assert SECRET not in refused.content.decode()
    assert "a token that" not in refused.content.decode()
    assert keep(client, target).status_code == 302
    for page in ("aws:identity", "aws:identity-edit"):
        arguments = [target.pk] if page == "aws:identity-edit" else []
        assert SECRET not in client.get(reverse(page, args=arguments)).content.decode()


def test_a_targets_secret_is_never_rendered_back(browser, administrator):
    client = browser(administrator)
    sent = {
        "name": "Ireland",
        "account_id": "12",
        "region": "eu-west-1",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": SECRET,
        "start_rate": "1",
        "read_rate": "3",
    }
    refused = client.post(reverse("aws:target-new"), sent)
    assert refused.status_code == 400
    assert SECRET not in refused.content.decode()
    client.post(reverse("aws:target-new"), {**sent, "account_id": "123456789012"})
    made = AwsTarget.objects.get()
    for page in ("aws:target", "aws:target-edit"):
        assert SECRET not in client.get(reverse(page, args=[made.pk])).content.decode()


def test_the_status_asks_again_until_aws_has_answered(target, browser, operator):
    client = browser(operator)
    keep(client, target)
    identity = CallerIdentity.objects.get()
    page = reverse("aws:identity-status", args=[identity.pk])
    waiting = client.get(page).content.decode()
    assert "Asking AWS" in waiting
    assert f'hx-get="{page}"' in waiting
    CallerIdentity.objects.update(arn="arn:aws:iam::123456789012:user/olga", checked_at=now())
    answered = client.get(page).content.decode()
    assert "arn:aws:iam::123456789012:user/olga" in answered
    assert "hx-get" not in answered


def test_a_failure_is_shown_escaped(target, browser, operator):
    client = browser(operator)
    keep(client, target)
    CallerIdentity.objects.update(failure="<script>alert(1)</script>", checked_at=now())
    text = client.get(reverse("aws:identity")).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_anothers_identity_is_hidden(target, browser, operator, colleague):
    services.set_own_key(
        actor=operator, target=target, access_key_id="AKIAIOSFODNN7EXAMPLE", secret_access_key=SECRET
    )
    key = CallerIdentity.objects.get().pk
    client = browser(colleague)
    assert client.get(reverse("aws:identity-status", args=[key])).status_code == 404
    for page in ("aws:identity-check", "aws:identity-remove"):
        assert client.post(reverse(page, args=[key])).status_code == 404
    assert CallerIdentity.objects.exists()
