"""The list of runs: in order and complete for whoever may see them, at a cost that does not grow with it."""

import random
import uuid
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Delegation
from common import access
from common.clock import now
from executions import newest, run_list, selectors
from executions.models import Execution, Status


@pytest.fixture
def crowd(frozen, administrator, operator, colleague):
    """Eighty runs of twelve delegations, many at the same moment; the operator may see some of them."""
    chance = random.Random(7)
    delegations = [
        Delegation.objects.create(
            name=f"Task {number:02}",
            document=frozen.document,
            version=frozen.version,
            target=frozen.target,
            created_by=administrator,
        )
        for number in range(12)
    ]
    for delegation in delegations[:7]:
        access.grant("view", delegation, operator)
    start = now() - timedelta(days=3)
    Execution.objects.bulk_create(
        Execution(
            id=uuid.UUID(int=chance.getrandbits(128), version=4),
            # The last of the delegations ran long ago, the one before it not at all.
            delegation=delegations[6] if number < 20 else chance.choice(delegations[:5] + delegations[7:]),
            operator=operator if chance.random() < 0.2 else colleague,
            version=frozen.version,
            target=frozen.target,
            content_hash=frozen.version.sha256,
            aws_document_name=frozen.document.name,
            aws_document_version="1",
            status=chance.choice([Status.SUCCESS, Status.SUCCESS, Status.FAILED, Status.WAITING]),
            requested_at=start + timedelta(minutes=number // 4),
        )
        for number in range(80)
    )
    Execution.objects.exclude(status=Status.WAITING).update(ended_at=now())
    return delegations


FILTERS = [
    {},
    {"status": Status.FAILED},
    {"status": run_list.UNFINISHED},
    {"q": "ask 0"},
    {"q": "task 0", "status": Status.SUCCESS},
    {"q": "colleague"},
    # Both who launched them: the words are in their names alone.
    {"q": "o"},
    {"q": "o", "status": Status.FAILED},
    {"q": "nowhere"},
    {"period": "week"},
]


def expected(actor, filters):
    found = access.visible(actor, "view", Execution.objects.all())
    status = filters.get("status")
    if status == run_list.UNFINISHED:
        found = found.filter(status=Status.WAITING)
    elif status:
        found = found.filter(status=status)
    words = filters.get("q", "").lower()
    runs = sorted(found.select_related("delegation", "operator"), key=lambda run: (run.requested_at, run.pk))
    return [
        run.pk
        for run in reversed(runs)
        if words in run.delegation.name.lower() or words in run.operator.username
    ]


def walk(actor, filters, neighbour):
    """Return the keys of all pages from the one that `filters` name, following `neighbour`, and the last."""
    keys = []
    while True:
        page = run_list.runs(actor, filters)
        part = [run.pk for run in page.rows]
        keys = [*keys, *part] if neighbour == "older" else [*part, *keys]
        if not getattr(page, neighbour):
            return keys, page
        filters = dict(parse_qsl(getattr(page, neighbour)[1:]))


LIMITS = {
    "by delegation": {},
    "in order of time": {"PROBED": 0},
    "words that name too much": {"TOLD": 1},
    "in order of time, words that name too much": {"PROBED": 0, "TOLD": 0},
    "many people": {"FEW_PEOPLE": 0},
    "in order of time, many people": {"FEW_PEOPLE": 0, "PROBED": 0},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("who", ["operator", "administrator", "colleague", "stranger"])
def test_its_pages_are_what_the_person_may_see_in_order(request, crowd, monkeypatch, who, limits):
    actor = request.getfixturevalue(who)
    monkeypatch.setattr(run_list, "PAGE_SIZE", 9)
    for name, limit in limits.items():
        monkeypatch.setattr(run_list, name, limit)
    for filters in FILTERS:
        wanted = expected(actor, filters)
        down, last = walk(actor, filters, "older")
        assert down == wanted, filters
        if last.newer:
            oldest = last.rows[-1]
            key = f"{oldest.requested_at.isoformat()}~{oldest.pk}"
            up, _ = walk(actor, {**filters, "after": key}, "newer")
            assert up == wanted[:-1], filters


@pytest.mark.parametrize("neighbour", ["older", "newer"])
def test_delegations_that_began_at_the_same_moment_are_all_looked_into(
    crowd, administrator, operator, monkeypatch, neighbour
):
    """A page holds fewer runs than there are delegations whose first runs are of one moment."""
    monkeypatch.setattr(run_list, "PAGE_SIZE", 3)
    Execution.objects.update(requested_at=now())
    for actor in (administrator, operator):
        wanted = expected(actor, {"q": "task"})
        assert len(wanted) > 30
        filters = {"q": "task"}
        if neighbour == "newer":
            oldest = Execution.objects.get(pk=wanted[-1])
            filters["after"] = f"{oldest.requested_at.isoformat()}~{oldest.pk}"
            wanted = wanted[:-1]
        assert walk(actor, filters, neighbour)[0] == wanted


def test_it_costs_the_same_however_many_delegations_the_words_name(
    client, operator, administrator, frozen, crowd, django_assert_num_queries
):
    for actor in (operator, administrator):
        client.force_login(actor, backend="django.contrib.auth.backends.ModelBackend")
        with CaptureQueriesContext(connection) as few:
            client.get(reverse("executions:list"), {"q": "task 0"})
        more = Delegation.objects.bulk_create(
            Delegation(
                name=f"Task 0{actor.pk}{number:02}",
                document=frozen.document,
                version=frozen.version,
                target=frozen.target,
                created_by=administrator,
            )
            for number in range(40)
        )
        for delegation in more[:20]:
            access.grant("view", delegation, operator)
        with django_assert_num_queries(len(few)):
            client.get(reverse("executions:list"), {"q": "task 0"})


@pytest.mark.parametrize("probed", [0, newest.PROBED], ids=["in order of time", "by delegation"])
def test_words_find_a_delegation_by_its_documents_name_and_a_run_by_its_ids(
    administrator, operator, crowd, monkeypatch, probed
):
    monkeypatch.setattr(run_list, "PROBED", probed)
    run = Execution.objects.filter(operator=operator).first()
    run.aws_execution_id = str(uuid.uuid4())
    run.save()
    name = run.delegation.document.name.upper()
    for actor in (administrator, operator):
        everything = {run.pk for run in run_list.runs(actor, {}).rows}
        assert {run.pk for run in run_list.runs(actor, {"q": name[1:-1]}).rows} == everything
        for words in (str(run.pk), run.aws_execution_id, f" {run.aws_execution_id} "):
            assert [run.pk for run in run_list.runs(actor, {"q": words}).rows] == [run.pk]


def test_a_delegation_of_which_one_sees_only_ones_own_runs(operator, crowd):
    hidden = crowd[8]
    found = run_list.runs(operator, {"delegation": str(hidden.pk)}).rows
    assert {run.pk for run in found} == set(
        Execution.objects.filter(delegation=hidden, operator=operator).values_list("pk", flat=True)
    )
    assert found


def test_what_is_never_shown_is_not_read(operator, crowd):
    with CaptureQueriesContext(connection) as queries:
        run_list.runs(operator, {})
    assert not [query["sql"] for query in queries if '"documents_documentversion"."text"' in query["sql"]]


@pytest.mark.parametrize("who", ["operator", "administrator"])
def test_it_costs_the_same_however_many_runs_there_are(
    client, request, crowd, who, django_assert_num_queries
):
    client.force_login(request.getfixturevalue(who), backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("executions:list")
    everything = list(Execution.objects.all())
    Execution.objects.exclude(pk__in=[run.pk for run in everything[:3]]).delete()
    queries = ({}, {"status": "Failed"}, {"q": "task"}, {"period": "week"})
    costs = []
    for query in queries:
        with CaptureQueriesContext(connection) as few:
            client.get(url, query)
        costs.append(len(few))
    Execution.objects.bulk_create(everything[3:])
    for query, cost in zip(queries, costs, strict=True):
        with django_assert_num_queries(cost):
            client.get(url, query)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table without an index.")
@pytest.mark.parametrize("neighbour", ["before", "after"])
def test_a_deep_page_begins_where_its_key_says(administrator, crowd, neighbour):
    run = Execution.objects.first()
    with CaptureQueriesContext(connection) as queries:
        run_list.runs(administrator, {neighbour: f"{run.requested_at.isoformat()}~{run.pk}"})
    [listed] = [query["sql"] for query in queries if "LIMIT 26" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {listed}")
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert f"(requested_at{'<' if neighbour == 'before' else '>'}?)" in plan
    assert "TEMP B-TREE" not in plan


def test_the_steps_that_wait_are_found_among_those_that_have_not_ended(operator, frozen, make_run, operators):
    access.grant("approve", frozen, operators)
    run = make_run(status=Status.WAITING, aws_execution_id="a")
    for number, status in enumerate([Status.SUCCESS, Status.WAITING]):
        run.steps.create(
            aws_step_id=str(number),
            position=number,
            name=f"step{number}",
            action="aws:approve",
            status=status,
            ended_at=None if status == Status.WAITING else now(),
        )
    assert [step.name for step in selectors.approvals(operator)[0]] == ["step1"]


@pytest.mark.parametrize("probed", [1, 3, newest.PROBED])
def test_what_the_filters_name_is_offered_wherever_it_stands(operator, colleague, crowd, monkeypatch, probed):
    monkeypatch.setattr(run_list, "CHOICES", 2)
    monkeypatch.setattr(run_list, "PROBED", probed)
    last, hidden = crowd[6], crowd[8]
    access.grant("execute", last, colleague)
    for key, person in ((last.pk, colleague.pk), (hidden.pk, crowd[0].created_by_id)):
        offered = run_list.filter_choices(operator, {"delegation": str(key), "operator": str(person)})
        assert [name for _, name in offered["delegation"][:2]] == [
            "Launch as AutomationServiceRole",
            "Task 00",
        ]
        assert ((str(last.pk), "Task 06") in offered["delegation"]) is (key == last.pk)
        assert len(offered["delegation"]) == (3 if key == last.pk else 2)
        assert {key for key, _ in offered["operator"]} == {str(operator.pk), str(colleague.pk)}
