"""What a target says of AWS's limits there, and of the queue that tells of changes."""

import pytest
from django.urls import reverse

from audit.models import AuditEntry
from aws import services
from aws.models import AwsTarget
from common.errors import Invalid
from tests.support.factories import ACCOUNT

pytestmark = pytest.mark.django_db

BASE = {"name": "Ireland", "account_id": ACCOUNT, "region": "eu-west-1"}
QUEUE = f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/automation-portal-events"
SANDBOX = "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    ("url", "more"),
    [
        (QUEUE, {}),
        (QUEUE.replace("sqs.", "sqs-fips."), {}),
        (QUEUE.replace("sqs.eu-west-1", "vpce-0a1b-2c.sqs.eu-west-1.vpce"), {}),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/events", {"region": "cn-north-1"}),
        (f"{SANDBOX}/{ACCOUNT}/events", {"endpoint_url": SANDBOX}),
    ],
)
def test_a_queue_of_the_targets_own_account_and_region_is_kept(administrator, url, more):
    made = services.create_target(actor=administrator, **{**BASE, **more}, events_queue_url=f" {url} ")
    assert made.events_queue_url == url
    assert AuditEntry.objects.get().data["events_queue_url"] == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:events", "such as https://sqs.eu-west-1.amazonaws.com/"),
        (QUEUE.replace("https", "http"), "such as https"),
        (QUEUE.replace("amazonaws.com", "amazonaws.com.evil.example"), "such as https"),
        (QUEUE.replace("https://", "https://somebody@"), "such as https"),
        (f"http://169.254.169.254/{ACCOUNT}/events", "such as https"),
        (f"{SANDBOX}/{ACCOUNT}/events", "such as https"),
        (f"{QUEUE}?Action=DeleteQueue", "such as https"),
        (f"{QUEUE}.fifo", "standard queue"),
        (QUEUE.replace("eu-west-1", "eu-west-2"), "in eu-west-2, not eu-west-1"),
        (QUEUE.replace(ACCOUNT, "210987654321"), "in account 210987654321"),
    ],
)
def test_a_queue_elsewhere_is_refused(administrator, url, said):
    with pytest.raises(Invalid) as refused:
        services.create_target(actor=administrator, **BASE, events_queue_url=url)
    assert said in refused.value.fields["events_queue_url"]
    assert not AwsTarget.objects.exists()


@pytest.mark.parametrize(("rate", "said"), [(0.0, "0.1"), (1001.0, "1,000"), (float("inf"), "1,000")])
def test_a_rate_that_is_none_is_refused(administrator, rate, said):
    with pytest.raises(Invalid) as refused:
        services.create_target(actor=administrator, **BASE, start_rate=rate)
    assert said in refused.value.fields["start_rate"]


def test_they_are_entered_on_the_targets_form_and_shown_on_its_page(client, administrator, valkey):
    client.force_login(administrator)
    page = client.get(reverse("aws:target-new")).content.decode()
    assert 'name="start_rate"' in page
    given = {**BASE, "start_rate": "5", "read_rate": "7.5", "events_queue_url": QUEUE}
    asked = client.post(reverse("aws:target-new"), given)
    assert asked.status_code == 302
    shown = client.get(asked["Location"]).content.decode()
    assert QUEUE in shown
    assert "5 to start, 7.5 of each" in " ".join(shown.split())
    target = AwsTarget.objects.get()
    edit = reverse("aws:target-edit", args=[target.pk])
    assert 'value="7.5"' in client.get(edit).content.decode()
    refused = client.post(edit, {**given, "read_rate": "0", "events_queue_url": "x"})
    assert refused.status_code == 400
    assert set(refused.context["form"].errors) == {"read_rate", "events_queue_url"}


def test_a_change_of_something_else_keeps_them(administrator):
    target = services.create_target(
        actor=administrator, **BASE, start_rate=5.0, read_rate=7.5, events_queue_url=QUEUE
    )
    changed = services.update_target(actor=administrator, target=target, **{**BASE, "name": "Dublin"})
    assert (changed.start_rate, changed.read_rate, changed.events_queue_url) == (5.0, 7.5, QUEUE)
    assert AuditEntry.objects.order_by("-number")[0].data == {"name": {"from": "Ireland", "to": "Dublin"}}
