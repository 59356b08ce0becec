import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Delegation, User
from audit.models import AuditEntry
from aws.models import CallerIdentity
from aws.vault import seal
from common import access
from common.granting import held_rows
from tests.support import people
from tests.support.factories import make_delegation, make_document, make_role, make_target
from tests.support.people import PASSWORD

GET = "get"
POST = "post"
ADMINISTRATION = [
    ("accounts:delegations", (), GET),
    ("accounts:delegation-new", (), GET),
    ("accounts:delegation", ("delegation",), GET),
    ("accounts:delegation-edit", ("delegation",), GET),
    ("accounts:people", (), GET),
    ("accounts:person-new", (), GET),
    ("accounts:person", ("operator",), GET),
    ("accounts:groups", (), GET),
    ("accounts:group-new", (), GET),
    ("accounts:group", ("operators",), GET),
    ("aws:targets", (), GET),
    ("aws:target-new", (), GET),
    ("aws:target", ("target",), GET),
    ("aws:target-edit", ("target",), GET),
    ("aws:roles", (), GET),
    ("aws:role-new", (), GET),
    ("aws:role", ("role",), GET),
    ("aws:role-edit", ("role",), GET),
    ("audit:list", (), GET),
    ("accounts:delegation-enable", ("delegation",), POST),
    ("accounts:delegation-grant", ("delegation",), POST),
    ("accounts:delegation-revoke", ("delegation",), POST),
    ("accounts:person-groups", ("operator",), POST),
    ("accounts:person-active", ("operator",), POST),
    ("accounts:person-password", ("operator",), POST),
    ("accounts:group-add", ("operators",), POST),
    ("accounts:group-remove", ("operators",), POST),
    ("accounts:group-capabilities", ("operators",), POST),
    ("aws:target-enable", ("target",), POST),
    ("aws:target-assign", ("target",), POST),
    ("aws:role-grant", ("role",), POST),
    ("aws:role-revoke", ("role",), POST),
]


def address(world, name, arguments):
    return reverse(name, args=[getattr(world, argument).pk for argument in arguments])


@pytest.mark.parametrize(("name", "arguments", "method"), ADMINISTRATION)
def test_it_hides_administration_from_everybody_else(world, stranger, browser, name, arguments, method):
    for person in (stranger, world.operator, world.author):
        answer = getattr(browser(person), method)(address(world, name, arguments), {})
        assert answer.status_code == 404, person
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(("name", "arguments"), [row[:2] for row in ADMINISTRATION if row[2] == GET])
def test_it_shows_administration_to_administrators(world, browser, name, arguments):
    answer = browser(world.administrator).get(address(world, name, arguments))
    assert answer.status_code == 200
    assert "<h1>" in answer.content.decode()


def test_the_delegations_page_says_who_executes_and_as_what(world, browser):
    text = browser(world.administrator).get(reverse("accounts:delegations")).content.decode()
    assert "Launch it" in text
    assert "AutomationServiceRole" in text
    assert "Operators" in text


def test_the_lists_find_and_filter(world, browser):
    client = browser(world.administrator)
    assert "Launch it" in client.get(reverse("accounts:delegations"), {"q": "launch-i"}).content.decode()
    elsewhere = {"target": str(make_target("Elsewhere").pk)}
    for query in ({"q": "zebra"}, {"state": "disabled"}, {"state": "expired"}, elsewhere):
        text = client.get(reverse("accounts:delegations"), query).content.decode()
        assert "Launch it" not in text
        assert "No delegation is like this" in text
    people = client.get(reverse("accounts:people"), {"group": str(world.operators.pk)}).content.decode()
    assert reverse("accounts:person", args=[world.operator.pk]) in people
    assert reverse("accounts:person", args=[world.author.pk]) not in people


def test_a_delegation_is_made_by_the_form(world, browser):
    client = browser(world.administrator)
    publication = world.version.publications.get()
    page = f"{reverse('accounts:delegation-new')}?document={world.version.document.pk}"
    text = client.get(page).content.decode()
    assert "version 1 in Sandbox" in text
    assert "mode__ImageId" in text
    assert "mode__AutomationAssumeRole" not in text
    sent = {
        "name": "One small instance",
        "description": "For trials.",
        "service_role": str(world.role.pk),
        "max_concurrent": "2",
        "approvals_needed": "1",
        "mode__ImageId": "fixed",
        "value__ImageId": "ami-12345678",
        "mode__InstanceType": "allowed",
        "value__InstanceType": "t3.micro\r\nt3.small",
    }
    answer = client.post(f"{page}&publication={publication.pk}", sent)
    made = Delegation.objects.get(name="One small instance")
    assert answer.status_code == 302
    assert answer["Location"] == reverse("accounts:delegation", args=[made.pk])
    assert made.service_role == world.role
    assert (made.max_concurrent, made.max_per_day, made.approvals_needed) == (2, None, 1)
    assert made.constraints == {
        "ImageId": {"fixed": "ami-12345678"},
        "InstanceType": {"allowed": ["t3.micro", "t3.small"]},
    }
    said = client.get(answer["Location"]).content.decode()
    assert "fixed at" in said
    assert "ami-12345678" in said
    assert "Nobody may run it yet" in said
    assert "at most 2 at the same time" in said
    edit = client.get(reverse("accounts:delegation-edit", args=[made.pk])).context["form"]
    assert (edit["max_concurrent"].value(), edit["max_per_day"].value()) == (2, None)
    assert edit["approvals_needed"].value() == 1


def test_a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field(world, browser):
    client = browser(world.administrator)
    page = f"{reverse('accounts:delegation-new')}?document={world.version.document.pk}"
    sent = {
        "name": "Launch it",
        "service_role": str(world.role.pk),
        "mode__ImageId": "free",
        "value__ImageId": "",
        "mode__InstanceType": "allowed",
        "value__InstanceType": "m5.24xlarge",
    }
    answer = client.post(page, sent)
    form = answer.context["form"]
    assert answer.status_code == 400
    assert "m5.24xlarge" in form.errors["value__InstanceType"][0]
    assert form.errors["name"]
    assert form["value__InstanceType"].value() == "m5.24xlarge"
    assert Delegation.objects.count() == 1


def test_a_delegation_says_when_too_few_people_may_approve_its_runs(world, browser, stranger):
    client = browser(world.administrator)
    page = reverse("accounts:delegation", args=[world.delegation.pk])
    Delegation.objects.update(approvals_needed=1)
    text = client.get(page).content.decode()
    assert "started when 1 other person approves" in text
    assert "Too few people may approve" in text
    access.grant("approve", world.delegation, stranger)
    assert "Too few people may approve" not in client.get(page).content.decode()
    assert "approved by stranger" in client.get(reverse("accounts:delegations")).content.decode()
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    assert "Too few people may approve" in client.get(page).content.decode()


def test_a_limit_that_lets_nothing_run_is_refused_beside_its_field(world, browser):
    page = reverse("accounts:delegation-edit", args=[world.delegation.pk])
    answer = browser(world.administrator).post(page, {"name": "Launch it", "max_per_day": "0"})
    assert answer.status_code == 400
    assert answer.context["form"].errors["max_per_day"]


def test_a_changed_delegation_keeps_the_second_of_two_editors_from_overwriting(world, browser):
    client = browser(world.administrator)
    page = reverse("accounts:delegation-edit", args=[world.delegation.pk])
    form = client.get(page).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    assert client.post(page, {**sent, "name": "Mine"}).status_code == 302
    late = client.post(page, {**sent, "name": "Yours"})
    assert late.status_code == 400
    assert "Somebody else changed" in late.content.decode()
    assert Delegation.objects.get().name == "Mine"


def test_an_operator_is_granted_and_loses_a_delegation_on_its_page(world, browser, colleague, stranger):
    client = browser(world.administrator)
    grant = reverse("accounts:delegation-grant", args=[world.delegation.pk])
    assert client.post(grant, {"permission": "approve", "username": "stranger"}).status_code == 302
    assert access.decide(stranger, "approve", world.delegation).allowed
    row = next(row for row in held_rows(world.delegation) if row.permission == "approve")
    client.post(reverse("accounts:delegation-revoke", args=[world.delegation.pk]), row.fields)
    assert not access.decide(stranger, "approve", world.delegation).allowed
    refused = client.post(grant, {"permission": "execute", "username": "nobody-here"})
    assert refused.status_code == 400
    assert "Nobody has the user name" in refused.content.decode()


def test_the_access_page_shows_everything_about_a_document(world, browser, colleague):
    Delegation.objects.update(max_per_day=7)
    page = reverse("accounts:access", args=[world.version.document.pk])
    text = browser(world.author).get(page).content.decode()
    for said in ("Launch it", "AutomationServiceRole", "operator", "colleague", "in the group “Operators”"):
        assert said in text
    assert "at most 7 started within 24 hours" in text
    assert reverse("accounts:person", args=[world.operator.pk]) not in text
    text = browser(world.administrator).get(page).content.decode()
    assert reverse("accounts:person", args=[world.operator.pk]) in text
    assert browser(colleague).get(page).status_code == 404


def test_who_may_see_a_document_but_not_share_it_is_told_so(world, browser, stranger):
    access.grant("view", world.version.document, stranger)
    page = reverse("accounts:access", args=[world.version.document.pk])
    assert browser(stranger).get(page).status_code == 403


def test_an_owner_shares_a_document_and_takes_it_back(world, browser, stranger):
    document = world.version.document
    client = browser(world.author)
    sent = {"permission": "edit", "username": "stranger"}
    assert client.post(reverse("accounts:access-share", args=[document.pk]), sent).status_code == 302
    assert access.decide(stranger, "edit", document).allowed
    held = {"permission": "edit", "holder": f"user:{stranger.pk}"}
    assert client.post(reverse("accounts:access-unshare", args=[document.pk]), held).status_code == 302
    assert not access.decide(stranger, "view", document).allowed


def test_a_person_page_says_what_they_may_do_and_why(world, browser):
    text = (
        browser(world.administrator)
        .get(reverse("accounts:person", args=[world.operator.pk]))
        .content.decode()
    )
    assert "Launch it" in text
    assert "granted to the group “Operators”" in text
    text = (
        browser(world.administrator).get(reverse("accounts:person", args=[world.author.pk])).content.decode()
    )
    assert "write new documents" in text
    assert "as a member of “Authors”" in text
    assert "granted in person" in text


def test_somebody_new_can_sign_in(world, browser, client):
    sent = {"username": "newcomer", "password": "a long enough secret", "groups": [world.operators.pk]}
    answer = browser(world.administrator).post(reverse("accounts:person-new"), sent)
    made = User.objects.get(username="newcomer")
    assert answer.status_code == 302
    assert list(made.groups.all()) == [world.operators]
    client.logout()
    assert client.login(username="newcomer", password="a long enough secret")


def test_a_weak_password_is_refused_beside_the_field(world, browser):
    answer = browser(world.administrator).post(
        reverse("accounts:person-new"), {"username": "newcomer", "password": "password"}
    )
    assert answer.status_code == 400
    assert answer.context["form"].errors["password"]


def test_a_deactivated_person_is_out_at_once(world, client):
    administrator, operator = type(client)(), client
    for browser, person in ((administrator, world.administrator), (operator, world.operator)):
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    assert operator.get(reverse("account_change_password")).status_code == 200
    administrator.post(reverse("accounts:person-active", args=[world.operator.pk]), {"active": "no"})
    assert operator.get(reverse("account_change_password")).status_code == 302


def test_only_the_right_password_tells_that_an_account_is_deactivated(client, stranger, valkey):
    stranger.is_active = False
    stranger.save()
    address = reverse("account_login")
    right = client.post(address, {"login": "stranger", "password": PASSWORD})
    assert right.status_code == 403
    assert "has been deactivated" in right.content.decode()
    wrong = client.post(address, {"login": "stranger", "password": "something else"})
    assert wrong.status_code == 200
    assert "deactivated" not in wrong.content.decode()


def test_the_last_administrator_cannot_lock_everybody_out(world, browser):
    client = browser(world.administrator)
    mine = world.administrator.pk
    assert client.post(reverse("accounts:person-active", args=[mine]), {"active": "no"}).status_code == 409
    assert client.post(reverse("accounts:person-groups", args=[mine]), {"groups": []}).status_code == 409
    group = Group.objects.get(name="Administrators")
    answer = client.post(reverse("accounts:group-remove", args=[group.pk]), {"user": mine})
    assert answer.status_code == 409
    answer = client.post(reverse("accounts:group-capabilities", args=[group.pk]), {"capabilities": ["audit"]})
    assert answer.status_code == 409
    assert access.capable(User.objects.get(pk=mine), "administer")


def test_a_group_is_made_with_members_and_capabilities(world, browser):
    client = browser(world.administrator)
    client.post(reverse("accounts:group-new"), {"name": "Nightshift", "capabilities": ["audit"]})
    made = Group.objects.get(name="Nightshift")
    client.post(reverse("accounts:group-add", args=[made.pk]), {"username": "operator"})
    assert access.capable(User.objects.get(username="operator"), "audit")
    client.post(reverse("accounts:group-remove", args=[made.pk]), {"user": world.operator.pk})
    assert not access.capable(User.objects.get(username="operator"), "audit")
    again = client.post(reverse("accounts:group-new"), {"name": "nightshift"})
    assert again.status_code == 400


PAGES = [
    "accounts:delegations",
    "accounts:people",
    "accounts:groups",
    "aws:roles",
    "aws:targets",
]


@pytest.mark.parametrize("name", PAGES)
def test_lists_cost_the_same_whatever_their_length(world, browser, name, django_assert_num_queries):
    client = browser(world.administrator)
    client.get(reverse(name))
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(reverse(name))
    grow(world)
    with django_assert_num_queries(len(few)):
        client.get(reverse(name))


@pytest.mark.parametrize("name", ["accounts:access", "accounts:person", "accounts:group", "aws:target"])
def test_pages_cost_the_same_however_much_they_show(world, browser, name, django_assert_num_queries):
    thing = {
        "accounts:access": world.version.document.pk,
        "accounts:person": world.operator.pk,
        "accounts:group": world.operators.pk,
        "aws:target": world.target.pk,
    }[name]
    page = reverse(name, args=[thing])
    CallerIdentity.objects.create(
        user=world.operator, target=world.target, access_key_id="AKIAEXAMPLE", sealed_secret=seal({})
    )
    access.grant("view", world.version.document, world.operators)
    access.grant("use", world.role, world.operators)
    client = browser(world.administrator)
    client.get(page)
    with CaptureQueriesContext(connection) as few:
        client.get(page)
    grow(world)
    with django_assert_num_queries(len(few)):
        client.get(page)


@pytest.mark.parametrize("holder", ["operator", "operators"])
def test_of_many_rights_the_first_are_shown_and_the_others_are_found(world, browser, monkeypatch, holder):
    monkeypatch.setattr("accounts.rights.SHOWN", 2)
    name = "accounts:person" if holder == "operator" else "accounts:group"
    page = reverse(name, args=[getattr(world, holder).pk])
    client = browser(world.administrator)
    assert not client.get(page).context["rights"].more
    sails = []
    for number in range(4):
        document = make_document(world.author, f"sail-{number}")
        made = make_delegation(
            document, world.target, world.role, world.administrator, name=f"A sail {number}"
        )
        access.grant("execute", made, world.operators)
        access.grant("view", made, world.operator)
        access.grant("view", document.document, world.operators)
        sails.append(made)
    shown = client.get(page)
    rights = shown.context["rights"]
    assert [right.thing for right in rights.delegations] == sails[:2]
    assert rights.more
    assert "search for the others" in shown.content.decode()
    found = client.get(page, {"q": "IL-3"}).context["rights"]
    assert [str(right.thing) for right in found.documents] == ["sail-3"]
    # By its document's name.
    assert [right.thing for right in found.delegations] == [sails[3]]
    ways = {
        "operator": (("view", "granted in person"), ("execute", f"granted to the group “{world.operators}”")),
        "operators": (("execute", ""),),
    }
    assert found.delegations[0].ways == ways[holder]
    assert not found.more
    nothing = client.get(page, {"q": "anchor"}).content.decode()
    assert "No right fits this search" in nothing
    assert f'href="{page}"' in nothing


def test_a_refused_form_beside_the_rights_searches_the_page_itself(world, browser, monkeypatch):
    monkeypatch.setattr("accounts.rights.SHOWN", 0)
    refused = browser(world.administrator).post(
        reverse("accounts:person-password", args=[world.operator.pk]), {"password": "short"}
    )
    assert refused.status_code == 400
    page = reverse("accounts:person", args=[world.operator.pk])
    assert f'action="{page}"' in refused.content.decode()
    assert f'hx-get="{page}"' in refused.content.decode()


def test_who_can_run_a_document_is_told_in_few_ways_and_counted_in_all(world, browser, monkeypatch):
    monkeypatch.setattr("accounts.views.access.SHOWN", 2)
    monkeypatch.setattr("accounts.views.access.WAYS_SHOWN", 1)
    document = world.version.document
    Delegation.objects.exclude(document=document).delete()
    crew = people.group("Crew")
    sailors = [people.person(f"a-sailor-{number}", crew) for number in range(4)]
    gone = people.person("a-pirate", crew)
    gone.is_active = False
    gone.save()
    for number in range(3):
        made = make_delegation(
            world.version, world.target, world.role, world.administrator, name=f"Sail {number}"
        )
        access.grant("execute", made, crew)
    access.grant("execute", made, sailors[0])
    response = browser(world.administrator).get(reverse("accounts:access", args=[document.pk]))
    assert [runner.person for runner in response.context["runners"]] == sailors[:2]
    assert [runner.more for runner in response.context["runners"]] == [3, 2]
    [(what, why)] = response.context["runners"][1].ways
    assert (what, why) == (f"Sail 0, as {world.role}", "in the group “Crew”")
    everybody = {person.pk for person in sailors} | {person.pk for person in holders_of(document)}
    assert response.context["more_runners"] == len(everybody) - 2
    assert "and in 3 more ways" in response.content.decode()


def holders_of(document):
    return User.objects.filter(
        access.holders(Delegation, "execute", Delegation.objects.filter(document=document).order_by()),
        is_active=True,
    )


def grow(world):
    """Make more of everything, granted both ways."""
    for number in range(8):
        user = User.objects.create_user(f"user{number}")
        user.groups.add(world.operators)
        group = Group.objects.create(name=f"group{number}")
        group.user_set.add(world.operator)
        target = make_target(f"target{number}")
        role = make_role(world.target, f"role{number}", f"arn:aws:iam::123456789012:role/r{number}")
        version = make_document(world.author, f"document{number}")
        delegation = make_delegation(
            world.version, world.target, role, world.administrator, name=f"delegation{number}"
        )
        make_delegation(version, target, None, world.administrator, name=f"other{number}")
        for holder in (user, group, world.operators):
            access.grant("execute", delegation, holder)
            access.grant("use", role, holder)
            access.grant("view", version.document, holder)
            access.grant("view", world.version.document, holder)
