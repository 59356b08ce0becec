from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import services
from audit.models import AuditEntry
from audit.wording import facts
from tests.support.people import group, person

PAGE = "/audit/"


@pytest.fixture
def auditor(db):
    return person("auditor", group("Auditors", "audit"))


@pytest.fixture
def client(client, auditor, valkey):
    client.force_login(auditor, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def entries(author, operator, monkeypatch):
    monkeypatch.setattr(services, "now", lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))
    services.record(actor=author, action="document.created", obj=author, data={"name": "<b>bold</b>"})
    monkeypatch.setattr(services, "now", lambda: datetime(2026, 3, 2, 12, tzinfo=UTC))
    services.record(
        actor=operator, action="delegation.changed", obj=operator, data={"name": {"from": "a", "to": "b"}}
    )


def numbers(answer):
    return [entry.number for entry, _ in answer.context["rows"]]


def test_it_shows_the_newest_first_with_readable_escaped_facts(client, entries):
    answer = client.get(PAGE)
    assert numbers(answer) == [2, 1]
    text = answer.content.decode()
    assert "a → b" in text
    assert "&lt;b&gt;bold" in text
    assert "<b>bold" not in text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"who": "author"}, [1]),
        ({"action": "delegation."}, [2]),
        ({"q": "operat"}, [2]),
        ({"since": "2026-03-02"}, [2]),
        ({"until": "2026-03-01"}, [1]),
        ({"since": "nonsense"}, [2, 1]),
        ({"before": "nonsense"}, [2, 1]),
    ],
)
def test_it_filters(client, entries, query, expected):
    assert numbers(client.get(PAGE, query)) == expected


def test_the_last_day_of_the_calendar_may_be_asked_for(client, entries):
    assert client.get(PAGE, {"until": "9999-12-31"}).status_code == 200


def test_it_shows_the_history_of_one_object(client, entries, author):
    answer = client.get(PAGE, {"object": f"user:{author.pk}"})
    assert numbers(answer) == [1]
    assert "Only what was done to" in answer.content.decode()


def test_it_pages_both_ways_and_keeps_the_filters(client, author):
    for _ in range(60):
        services.record(actor=author, action="person.greeted", obj=author)
    first = client.get(PAGE, {"who": "author"})
    assert numbers(first) == list(range(60, 35, -1))
    assert first.context["page"].back == ""
    second = client.get(PAGE + first.context["page"].forward)
    assert numbers(second) == list(range(35, 10, -1))
    assert "who=author" in second.context["page"].forward
    last = client.get(PAGE + second.context["page"].forward)
    assert numbers(last) == list(range(10, 0, -1))
    assert last.context["page"].forward == ""
    assert numbers(client.get(PAGE + last.context["page"].back)) == list(range(35, 10, -1))
    assert numbers(client.get(PAGE + second.context["page"].back)) == list(range(60, 35, -1))


def test_it_costs_the_same_whatever_is_recorded(client, author, django_assert_num_queries):
    services.record(actor=author, action="person.greeted", obj=author)
    client.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    for _ in range(30):
        services.record(actor=author, action="person.greeted", obj=author)
    with django_assert_num_queries(len(few)):
        client.get(PAGE)


def test_verifying_says_how_far_the_record_is_whole(client, entries):
    assert "Not verified yet" in client.get(PAGE).content.decode()
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "whole up to entry 2" in said.getvalue()
    assert "Whole up to entry 2 of 2" in client.get(PAGE).content.decode()


def test_verifying_names_the_first_broken_entry_and_fails(client, entries):
    AuditEntry.objects.filter(number=1).delete()
    with pytest.raises(CommandError, match="broken at entry 1") as caught:
        call_command("verify_audit")
    assert caught.value.returncode == 1
    text = client.get(PAGE).content.decode()
    assert "The record is not whole" in text
    assert "Entry 1 is missing" in text


def test_verifying_an_empty_record_finds_nothing_wrong(db):
    said = StringIO()
    call_command("verify_audit", stdout=said)
    assert "whole up to entry 0" in said.getvalue()


def test_a_record_without_its_head_is_broken(entries):
    from audit.models import AuditHead

    AuditHead.objects.all().delete()
    assert services.first_break() == 1


def test_facts_leave_out_what_is_empty_and_say_changes():
    data = {"a_b": 1, "none": None, "list": ["x", "y"], "on": True, "to": {"from": None, "to": "z"}}
    assert facts(data) == [("a b", "1"), ("list", "x, y"), ("on", "yes"), ("to", "nothing → z")]
