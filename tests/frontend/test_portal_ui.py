"""The template tags of the components: what reaches a reader, and what assistive technology hears."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.templatetags import static
from django.test.html import parse_html

from common.templatetags.portal_ui import _control
from common.templatetags.spoken_time import spoken
from common.templatetags.status_looks import LEVEL_LOOKS, SEVERITY_LOOKS, STATUS_LOOKS, UNKNOWN
from executions.models import Status

ROOT = Path(__file__).resolve().parents[2]
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def unhashed_static(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests read templates; which hash a built file has is the build's business."""
    monkeypatch.setattr(static.StaticNode, "handle_simple", classmethod(lambda cls, path: f"/static/{path}"))


def render(source: str, **context: Any) -> str:
    return Template("{% load portal_ui %}" + source).render(Context(context))


class Launch(forms.Form):
    name = forms.CharField(help_text="Three letters at least", min_length=3)
    size = forms.ChoiceField(choices=[("s", "Small"), ("l", "<Large>")], widget=forms.RadioSelect)
    agreed = forms.BooleanField(required=False)
    base = forms.IntegerField(widget=forms.HiddenInput)


class Filter(forms.Form):
    q = forms.CharField(label="Search", required=False)
    status = forms.ChoiceField(choices=[("", "Any")], required=False)


@pytest.mark.parametrize("status", Status.values)
def test_every_state_of_a_run_has_a_look_and_keeps_awss_word(status: str) -> None:
    badge = render("{% status_badge status %}", status=status)
    assert f"tone-{STATUS_LOOKS[status].tone}" in badge
    assert re.sub(r"<[^>]+>", "", badge) == status


def test_an_unknown_state_is_shown_as_it_is_and_escaped() -> None:
    badge = render("{% status_badge status %}", status="<Odd>")
    assert f"tone-{UNKNOWN.tone}" in badge
    assert "&lt;Odd&gt;</span>" in badge
    assert "<Odd>" not in badge


def test_states_that_mean_opposite_things_differ_in_more_than_colour() -> None:
    assert STATUS_LOOKS["Success"].icon != STATUS_LOOKS["Failed"].icon
    assert STATUS_LOOKS["Waiting"].icon != STATUS_LOOKS["InProgress"].icon


def test_every_icon_that_the_code_names_is_in_the_sprite() -> None:
    sprite = set(json.loads((ROOT / "frontend" / "src" / "icons.json").read_text()))
    looks = [*STATUS_LOOKS.values(), *SEVERITY_LOOKS.values(), *LEVEL_LOOKS.values(), UNKNOWN]
    named = {look.icon for look in looks}
    for template in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'(?:\{% icon |icon=)"([\w-]+)"', template.read_text()))
    for module in ROOT.glob("*/*.py"):
        named |= set(re.findall(r'"icon": "([\w-]+)"', module.read_text()))
    assert named - sprite == set()


def test_every_tone_has_colours() -> None:
    tokens = (ROOT / "frontend" / "src" / "styles" / "tokens.css").read_text()
    looks = [*STATUS_LOOKS.values(), *SEVERITY_LOOKS.values(), *LEVEL_LOOKS.values(), UNKNOWN]
    assert {look.tone for look in looks} <= set(re.findall(r"\.tone-(\w+)", tokens))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.03, "< 0.1 s"),
        (0.4, "0.4 s"),
        (9, "9 s"),
        (59.9, "59 s"),
        (64, "1 min 4 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (3601, "1 h"),
        (90_061, "1 d 1 h"),
        (-5, "0 s"),
    ],
)
def test_durations_are_said_in_their_two_largest_units(seconds: float, words: str) -> None:
    assert spoken(seconds) == words


def test_a_time_stands_there_exactly_until_a_script_makes_it_relative() -> None:
    html = render("{% ago t %}", t=MOMENT)
    assert 'datetime="2026-03-04T05:06:07.000+00:00"' in html
    assert ">4 Mar 2026, 05:06:07 UTC</time>" in html


def test_a_time_that_never_was_is_not_blank_to_a_screen_reader() -> None:
    assert "none" in render("{% ago t %}", t=None)
    assert render("{% ago t 'never' %}", t=None) == "never"


def test_knowledge_that_was_never_asked_for_says_so() -> None:
    assert "not asked AWS yet" in render("{% freshness t %}", t=None)
    assert "as of <time" in render("{% freshness t %}", t=MOMENT)


def test_a_running_duration_counts_on_and_an_ended_one_does_not() -> None:
    assert "data-since" in render("{% duration t %}", t=MOMENT)
    ended = render("{% duration t e %}", t=MOMENT, e=MOMENT + timedelta(seconds=2.5))
    assert "data-since" not in ended
    assert ">2.5 s<" in ended


def test_what_is_copied_is_escaped_and_named() -> None:
    html = render("{% copyable v 'Role ARN' %}", v='arn:"><script>')
    assert "<script>" not in html
    assert 'aria-label="Copy Role ARN"' in html


def test_a_refused_field_is_tied_to_its_help_and_its_error() -> None:
    html = render("{% field form.name %}", form=Launch({"name": "ab"}))
    control = re.search(r"<input[^>]*>", html)
    assert control
    assert 'aria-describedby="id_name_help id_name_error"' in control[0]
    assert 'aria-invalid="true"' in control[0]
    assert 'id="id_name_help"' in html
    assert 'id="id_name_error"' in html
    assert 'value="ab"' in control[0]


def test_a_field_that_was_not_sent_yet_accuses_nobody() -> None:
    html = render("{% field form.name %}", form=Launch())
    assert "aria-invalid" not in html
    assert "(required)" in html


def test_choices_are_a_group_with_a_legend_and_escaped_labels() -> None:
    html = render("{% field form.size %}", form=Launch({"size": "l"}))
    assert "<fieldset" in html
    assert "<legend>Size" in html
    assert "&lt;Large&gt;" in html
    assert re.findall(r'value="(\w)"[^>]*checked', html) == ["l"]


def test_the_summary_of_errors_links_to_the_fields_and_takes_the_focus() -> None:
    form = Launch({"name": ""})
    form.add_error(None, "The policy <b>forbids</b> it.")
    html = render("{% form_errors form %}", form=form)
    assert 'href="#id_name"' in html
    assert "autofocus" in html
    assert "&lt;b&gt;forbids" in html
    assert "4 things have to be put right" in html
    assert "Base: This field is required." in html


def test_a_form_without_errors_has_no_summary() -> None:
    assert render("{% form_errors form %}", form=Launch()).strip() == ""


def test_a_filter_bar_searches_by_text_and_filters_by_choice() -> None:
    html = render('{% include "components/filter_bar.html" with target="#list" %}', form=Filter({"q": "x"}))
    assert re.search(r'<input type="search" name="q" value="x"', html)
    assert '<select name="status" class="form-select"' in html
    assert 'hx-target="#list"' in html


def test_code_is_escaped_numbered_and_marked_by_the_worst_finding() -> None:
    marks = [
        {"line": 2, "severity": "warning", "message": "Odd."},
        {"line": 2, "severity": "error", "message": "Wrong."},
    ]
    html = render("{% code text marks %}", text="a: 1\nb: <script>\n", marks=marks)
    assert "<script>" not in html
    assert 'id="L2" class="tone-failure" title="Odd. Wrong."' in html
    assert 'id="L1">' in html
    assert 'id="L3"' not in html


def test_a_finding_names_its_severity_its_place_and_leads_there() -> None:
    finding = {
        "id": "policy-required-tags",
        "severity": "error",
        "message": "No Owner.",
        "line": 7,
        "column": 3,
        "hint": "Add it.",
    }
    html = render('{% include "components/findings.html" %}', findings=[finding])
    assert "Error: </span>No Owner." in html
    assert 'href="#L7"' in html
    assert "Line 7, column 3" in html
    assert "Add it." in html


GRAPH = {
    "nodes": [
        {"id": "one", "label": "one", "action": "aws:branch", "line": 4, "status": "Success"},
        {"id": "two", "label": "</script>", "action": "aws:sleep", "line": 9},
    ],
    "edges": [{"source": "one", "target": "two", "kind": "branch", "label": "x = 1"}],
}


def test_a_graph_says_in_words_what_its_picture_shows() -> None:
    words = " ".join(re.sub(r"<[^>]+>", " ", render("{% step_graph g %}", g=GRAPH)).split())
    assert "branches to &lt;/script&gt; (x = 1)" in words
    assert "aws:branch Success" in words


def test_a_graphs_data_carries_tones_and_cannot_close_its_element() -> None:
    page = render("{% step_graph g 'run-graph' 'line' %}", g=GRAPH)
    data = re.search(r'<div id="run-graph" hidden>(.*?)</div>', page, re.S)
    assert data
    assert "<" not in data[1]
    nodes = json.loads(html.unescape(data[1]))["nodes"]
    assert [node["href"] for node in nodes] == ["#L4", "#L9"]
    assert nodes[0]["tone"] == "success"
    assert "tone" not in nodes[1]
    assert nodes[1]["label"] == "</script>"


def test_a_step_graph_does_not_change_what_it_was_given() -> None:
    before = json.dumps(GRAPH)
    render("{% step_graph g %}", g=GRAPH)
    assert json.dumps(GRAPH) == before


def test_a_confirmation_works_without_a_script_and_names_the_thing() -> None:
    html = render(
        '{% include "components/confirm.html" with id="c" title="Delete X?" action="/x/" %}',
        trigger_label="Delete",
    )
    assert "<details" in html
    assert "Delete X?" in html
    assert re.search(r'<form\s+method="post"\s+action="/x/"', html)


def test_steps_show_failures_openly_and_outputs_on_request() -> None:
    step = {
        "name": "tagIt",
        "action": "aws:createTags",
        "status": "Failed",
        "failure": "Not <authorized>.",
        "outputs": {"Id": ["i-1"]},
        "started_at": MOMENT,
        "ended_at": MOMENT + timedelta(seconds=64),
    }
    html = render('{% include "components/steps.html" %}', steps=[step])
    assert 'id="step-tagIt"' in html
    assert "Not &lt;authorized&gt;." in html
    assert "1 min 4 s" in html
    assert "&quot;i-1&quot;" in html
    assert "Inputs" not in html


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_an_arn_wraps_between_its_parts_only() -> None:
    shown = render("{{ value|breakable }}", value="arn:aws:iam::1:role/A<b>")
    assert shown == "arn:<wbr>aws:<wbr>iam::<wbr>1:<wbr>role/<wbr>A&lt;b&gt;"
    several = render("{{ value|breakable|linebreaksbr }}", value="a\n<b>")
    assert several == "a<br>&lt;b&gt;"


def test_a_steps_inputs_are_shown_as_the_values_that_their_json_stands_for() -> None:
    inputs = {"ImageId": '"ami-1"', "Tags": '[{"Key": "a"}]', "Odd": "{{ x", "Count": 2}
    shown = html.unescape(render("{{ inputs|unpacked|pretty }}", inputs=inputs))
    assert json.loads(shown) == {"ImageId": "ami-1", "Tags": [{"Key": "a"}], "Odd": "{{ x", "Count": 2}


def test_a_placeholder_does_not_say_the_label_again() -> None:
    class Named(forms.Form):
        name = forms.CharField(widget=forms.TextInput(attrs={"placeholder": "Name"}))
        other = forms.CharField(widget=forms.TextInput(attrs={"placeholder": "user name"}))

    assert "placeholder" not in render("{% field form.name %}", form=Named())
    assert 'placeholder="user name"' in render("{% field form.other %}", form=Named())


class Choosing(forms.Form):
    one = forms.ChoiceField(choices=[("", "Any"), ("a&b", "A < B"), (3, "Three")], help_text="Which?")
    other = forms.ChoiceField(
        choices=[("x", "X"), ("y", "Y")], required=False, widget=forms.Select(attrs={"data-live": "1"})
    )


@pytest.mark.parametrize("data", [None, {"one": "a&b", "other": "y"}, {"one": "3"}, {"one": "gone"}])
def test_a_select_is_what_django_would_write(data):
    form = Choosing(data, initial={"other": "y"})
    for bound in form:
        assert parse_html(_control(bound, {"class": "form-select"})) == parse_html(
            bound.as_widget(attrs={"class": "form-select"})
        )
