"""The authors' pages, asked for as people ask for them."""

import html
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import ssmdoc
from common import access
from documents.models import Document, DocumentVersion, Policy
from tests.support.factories import LAUNCH_TEXT, make_document, make_target, publish

UNTAGGED = LAUNCH_TEXT.split("      TagSpecifications:", maxsplit=1)[0]


@pytest.fixture
def version(author):
    return make_document(author)


@pytest.fixture
def as_author(client, author):
    client.force_login(author, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def tag_policy(db):
    return Policy.objects.create(name="Tags", rules={"required_tags": ["Owner", "CostCentre"]})


def edited(version, text, **more):
    return {"text": text, "format": "YAML", "note": "", "base_number": version.number, **more}


def test_the_list_shows_what_is_shared_and_nothing_else(client, version, stranger):
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    assert "launch-instance" not in client.get(reverse("documents:list")).content.decode()
    access.grant("view", version.document, stranger)
    assert "launch-instance" in client.get(reverse("documents:list")).content.decode()


@pytest.mark.parametrize("starter", ["", "blank", "blank-json", "launch"])
def test_every_starter_is_fit_to_be_published(as_author, starter, tag_policy):
    page = as_author.get(reverse("documents:new"), {"starter": starter})
    assert page.status_code == 200
    assert page.context["examination"].errors == ()


def test_a_new_document_is_kept_exactly_as_written(as_author):
    text = '# mine\r\nschemaVersion: "0.3"\r\n'
    form = {"name": "My-Document", "description": "", "text": text, "format": "YAML", "note": "first"}
    answer = as_author.post(reverse("documents:new"), form)
    kept = DocumentVersion.objects.get(document__name="My-Document")
    assert answer.status_code == 302
    assert kept.text == '# mine\nschemaVersion: "0.3"\n'


def test_a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_beside_its_field(as_author, version):
    form = {"name": "launch-instance", "description": "", "text": "my words", "format": "YAML", "note": ""}
    answer = as_author.post(reverse("documents:new"), form)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "my words" in page
    assert 'id="id_name_error"' in page
    assert "exists already" in page


def test_saving_keeps_a_new_version_though_it_has_faults(as_author, version, tag_policy):
    answer = as_author.post(
        reverse("documents:edit", args=[version.document.pk]), edited(version, UNTAGGED), follow=True
    )
    assert Document.objects.get().latest_number == 2
    assert "cannot be published yet" in answer.content.decode()


def test_somebody_elses_newer_version_is_shown_and_nothing_is_lost(as_author, version, author):
    address = reverse("documents:edit", args=[version.document.pk])
    as_author.post(address, edited(version, LAUNCH_TEXT + "# theirs\n"))
    answer = as_author.post(address, edited(version, LAUNCH_TEXT + "# mine\n"))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "# mine" in page
    assert "# theirs" in page
    again = as_author.post(address, edited(version, LAUNCH_TEXT + "# mine\n", base_number=2))
    assert again.status_code == 302
    assert Document.objects.get().latest_number == 3


@pytest.mark.parametrize("form", ["YAML", "JSON"])
def test_the_check_gives_line_and_column_and_the_graph(as_author, version, tag_policy, form):
    text = UNTAGGED
    if form == "JSON":
        import ssmdoc

        text = json.dumps(ssmdoc.parse(UNTAGGED).data, indent=2)
    answer = as_author.post(
        reverse("documents:check"), {"text": text, "format": form}, content_type="application/json"
    ).json()
    (finding,) = [found for found in answer["findings"] if found["severity"] == "error"]
    assert "Policy “Tags”" in finding["message"]
    line = text.splitlines()[finding["line"] - 1]
    assert "launch" in line[finding["column"] - 1 :]
    assert "launch" in [node["id"] for node in answer["graph"]["nodes"]]


@pytest.mark.parametrize(
    "body",
    ["", "[]", "[" * 100_000, '{"text": 1, "format": "YAML"}', '{"text": "", "format": "XML"}'],
    ids=["empty", "list", "deep", "number", "xml"],
)
def test_the_check_refuses_rubbish_in_a_sentence(as_author, body):
    headers = {"accept": "application/json"}
    answer = as_author.post(
        reverse("documents:check"), body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 400
    assert answer.json()["title"].startswith("Send")


def test_publishing_what_breaks_a_policy_is_refused_with_its_place(as_author, version, tag_policy):
    as_author.post(reverse("documents:edit", args=[version.document.pk]), edited(version, UNTAGGED))
    target = make_target()
    address = reverse("documents:publish", args=[version.document.pk])
    answer = as_author.post(address, {"target": target.pk})
    assert answer.status_code == 400
    assert "cannot be published" in answer.content.decode()
    assert not DocumentVersion.objects.get(number=2).publications.exists()


def test_publishing_leads_back_to_the_document_where_its_state_stands(as_author, version, valkey):
    address = reverse("documents:publish", args=[version.document.pk])
    answer = as_author.post(address, {"target": make_target().pk}, follow=True)
    assert "Publishing" in answer.content.decode()
    row = as_author.get(reverse("documents:publication", args=[version.publications.get().pk]))
    assert "hx-get" in row.content.decode()


def test_the_list_shows_what_stands_in_aws_beside_a_newer_try_that_failed(as_author, version, author):
    target = make_target()
    publish(version, target)
    for number in (2, 3):
        text = f"{LAUNCH_TEXT}# {number}\n"
        newer = DocumentVersion.objects.create(
            document=version.document, number=number, text=text, format="YAML", author=author
        )
        failed = publish(newer, target)
        failed.status = "Failed"
        failed.save()
    (row,) = as_author.get(reverse("documents:list")).context["page"].rows
    shown = [(publication.version.number, publication.status) for publication in row.publications]
    assert shown == [(3, "Failed"), (1, "Active")]


def test_a_version_that_does_not_exist_is_not_found(as_author, version):
    assert as_author.get(reverse("documents:version", args=[version.document.pk, 9])).status_code == 404
    assert as_author.get(reverse("documents:diff", args=[version.document.pk, 1])).status_code == 404


def test_a_versions_changes_are_told_in_words_above_its_lines(as_author, version, author):
    def save(number, text):
        fields = {"document": version.document, "number": number, "format": "YAML", "author": author}
        return DocumentVersion.objects.create(text=text, **fields)

    def page(number, against):
        address = reverse("documents:diff", args=[version.document.pk, number])
        return html.unescape(as_author.get(address, {"against": against}).content.decode())

    renamed = LAUNCH_TEXT.replace("name: launch", "name: start").replace("launch.", "start.")
    save(2, renamed.replace("isEnd: true", "isEnd: true\n    description: <b>"))
    save(3, f"{LAUNCH_TEXT}# a comment\n")
    save(4, "no document")
    assert "Step start was called launch." in page(2, 1)
    assert "Nothing that the document does has changed" in page(3, 1)
    assert "cannot be read as a document" in page(4, 1)


def test_the_text_is_shown_as_text_whatever_it_holds(as_author, author):
    version = make_document(author, "hostile", "description: <script>alert(1)</script>\n")
    page = as_author.get(reverse("documents:detail", args=[version.document.pk])).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_list_takes_a_constant_number_of_queries(as_author, author, django_assert_num_queries):
    target = make_target()
    for number in range(12):
        if number == 1:
            as_author.get(reverse("documents:list"))
            with CaptureQueriesContext(connection) as few:
                as_author.get(reverse("documents:list"))
        publish(make_document(author, f"document-{number}"), target)
    with django_assert_num_queries(len(few)):
        as_author.get(reverse("documents:list"))


def test_a_policy_is_made_of_understandable_fields(client, administrator, version):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    form = {"name": "Ours", "require_assume_role": "on", "required_tags": "Owner\r\nTeam\r\n"}
    answer = client.post(reverse("documents:policy-new"), form, follow=True)
    policy = Policy.objects.get()
    assert policy.rules == {"require_assume_role": True, "required_tags": ["Owner", "Team"]}
    page = answer.content.decode()
    assert "Team" in page
    assert "launch-instance" in page, "the page names the documents that break the policy"
    client.post(reverse("documents:policy", args=[policy.pk]), {"enabled": "no"})
    assert not Policy.objects.get().enabled


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("forbidden_actions", "aws:conquerTheWorld", "is not an action"),
        ("forbidden_services", "ec2\nnosuch", "is not a service"),
        ("allowed_services", "EC2", "is not a service"),
        ("forbidden_apis", "ec2:TerminateInstance", "Did you mean ec2:TerminateInstances?"),
        ("allowed_apis", "DescribeInstances", "Write service:Operation"),
        ("allowed_regions", "Ireland", "like eu-west-1"),
        ("allowed_instance_types", "big", "like t3.micro"),
        ("schema", '{"required": [}', "Line 1, column 15"),
        ("schema", "[]", "Write a map"),
        ("schema", '{"$ref": "https://example.com/x"}', "a part of this schema only"),
    ],
)
def test_a_bad_rule_is_refused_beside_its_field(client, administrator, field, text, says):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(reverse("documents:policy-new"), {"name": "Ours", field: text})
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 400
    assert says in page[page.index(f'id="id_{field}_error"') :][:400]
    assert not Policy.objects.exists()


def test_every_rule_can_be_set_and_is_shown_again_in_fields_and_words(client, administrator, version):
    client.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    rules = {
        "require_assume_role": True,
        "require_approval": True,
        "no_inline_scripts": True,
        "required_tags": ["Owner"],
        "forbidden_actions": ["aws:executeScript"],
        "allowed_actions": ["aws:run*"],
        "forbidden_services": ["iam"],
        "allowed_services": ["ec2", "ssm"],
        "forbidden_apis": ["ec2:Terminate*"],
        "allowed_apis": ["ec2:Run*"],
        "allowed_regions": ["eu-west-1", "eu-central-*"],
        "allowed_instance_types": ["t3.*"],
        "schema": {"title": "Descriptions", "required": ["description"]},
    }
    assert set(rules) == set(ssmdoc.policy.RULES)
    form = {"name": "All", "description": "", "schema": json.dumps(rules["schema"])}
    form |= {name: "on" for name, rule in rules.items() if rule is True}
    form |= {name: "\r\n".join(rule) for name, rule in rules.items() if isinstance(rule, list)}
    answer = client.post(reverse("documents:policy-new"), form, follow=True)
    assert Policy.objects.get().rules == rules
    page = html.unescape(answer.content.decode())
    for sentence in ssmdoc.policy.explain(rules):
        assert sentence in page
    shown = answer.context["form"]
    again = {name: shown[name].value() for name in shown.fields}
    client.post(reverse("documents:policy", args=[Policy.objects.get().pk]), {**again, "name": "All again"})
    kept = Policy.objects.get()
    assert (kept.name, kept.rules) == ("All again", rules)


@pytest.mark.parametrize("page", ["detail", "version"])
def test_the_page_says_what_the_document_needs_in_iam(as_author, version, page):
    place = [version.document_id] if page == "detail" else [version.document_id, version.number]
    shown = html.unescape(as_author.get(reverse(f"documents:{page}", args=place)).content.decode())
    assert "What this document needs in IAM" in shown
    assert "<code>ec2:<wbr>RunInstances</code>" in shown
    assert '"Sid": "Ec2' in shown


def test_a_page_before_the_oldest_document_is_empty(as_author, author):
    version = make_document(author)
    key = f"{version.document.updated_at.isoformat()}~{version.document.pk}"
    for name in ("before", "after"):
        response = as_author.get(reverse("documents:list"), {name: key})
        assert response.status_code == 200
        assert response.context["page"].rows == ()
