"""Template tags of the portal's components; docs/ui.md shows each in use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, cast

from django import template
from django.forms import BoundField, ChoiceField, Form, widgets
from django.forms.utils import flatatt
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.templatetags.spoken_time import exact, machine, spoken
from common.templatetags.status_looks import LEVEL_LOOKS, SEVERITY_LOOKS, look_of

register = template.Library()

EDGE_WORDS = {
    "next": "then",
    "branch": "branches to",
    "loop": "repeats from",
    "failure": "on failure",
    "cancel": "on cancel",
}
PARTS = re.compile(r"(?<=[:/])(?=[^:/])")
NOTHING = format_html(
    '<span aria-hidden="true">{}</span><span class="visually-hidden">{}</span>', "–", "none"
)


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """An icon of the sprite (frontend/src/icons.json): decoration, beside a text that says the same."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("icons.svg"),
        name,
    )


@register.simple_tag
def status_badge(status: object, label: str = "") -> SafeString:
    """The badge of a state: AWS's word (or `label`), its colour and its icon; nothing for an empty status."""
    if not status:
        return SafeString("")
    look = look_of(status)
    return format_html(
        '<span class="status-badge tone-{}" data-status="{}" title="{}">{}{}</span>',
        look.tone,
        status,
        look.meaning,
        icon(look.icon, "spins" if look.spins else ""),
        label or status,
    )


@register.filter
def status_tone(status: object) -> str:
    """The style sheet's tone of a state, for other elements: `class="tone-{{ status|status_tone }}"`."""
    return look_of(status).tone


@register.filter
def status_icon(status: object) -> str:
    """The icon name of a state."""
    return look_of(status).icon


@register.filter
def level_tone(level: str) -> str:
    """The tone of a message level (`success`, `info`, `warning`, `error` or `danger`)."""
    return LEVEL_LOOKS.get(level, LEVEL_LOOKS["info"]).tone


@register.filter
def level_icon(level: str) -> str:
    """The icon name of a message level."""
    return LEVEL_LOOKS.get(level, LEVEL_LOOKS["info"]).icon


@register.filter
def severity_tone(severity: str) -> str:
    """The tone of a finding's severity (`error`, `warning`, `info`)."""
    return SEVERITY_LOOKS.get(severity, SEVERITY_LOOKS["info"]).tone


@register.filter
def severity_icon(severity: str) -> str:
    """The icon name of a finding's severity."""
    return SEVERITY_LOOKS.get(severity, SEVERITY_LOOKS["info"]).icon


@register.filter
def severity_word(severity: str) -> str:
    """A finding's severity as a reader says it: Error, Warning or Note."""
    return SEVERITY_LOOKS.get(severity, SEVERITY_LOOKS["info"]).meaning


@register.simple_tag
def ago(moment: datetime | None, empty: str = "") -> SafeString | str:
    """A time shown as "3 min ago" with the exact one on hover; without scripts the exact one stands there."""
    if moment is None:
        return empty or NOTHING
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', machine(moment), exact(moment), exact(moment)
    )


@register.simple_tag
def freshness(moment: datetime | None) -> SafeString:
    """How old the knowledge shown is: "as of 3 s ago"."""
    if moment is None:
        return format_html('<span class="freshness">{}</span>', "not asked AWS yet")
    return format_html('<span class="freshness">as of {}</span>', ago(moment))


@register.simple_tag
def duration(start: datetime | None, end: datetime | None = None) -> SafeString:
    """The time between two moments; without an end it counts on while the page is open."""
    if start is None:
        return NOTHING
    title = f"{exact(start)} – {exact(end)}" if end else f"since {exact(start)}"
    seconds = ((end or timezone.now()) - start).total_seconds()
    if end:
        return format_html('<span class="duration" title="{}">{}</span>', title, spoken(seconds))
    return format_html(
        '<span class="duration" title="{}" data-since="{}">{}</span>', title, machine(start), spoken(seconds)
    )


@register.inclusion_tag("components/copyable.html")
def copyable(value: object, label: str = "Text") -> dict[str, object]:
    """An id or ARN in monospace with a button that copies it; `label` names what is copied."""
    return {"value": value, "label": label}


@register.filter
def breakable(value: object) -> SafeString:
    """An id or ARN that wraps after its colons and slashes before it wraps within a name."""
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in PARTS.split(str(value))))


@register.filter
def unpacked(inputs: Mapping[str, object]) -> dict[str, object]:
    """A step's inputs, each of which AWS gives as JSON text, as the values that the texts stand for."""
    return {name: _from_json(value) for name, value in inputs.items()}


def _from_json(value: object) -> object:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


@register.filter
def pretty(value: object) -> str:
    """A value as indented JSON; a string stays as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, label: str = "") -> dict[str, object]:
    """A form field with label, control, help and error, tied together for assistive technology."""
    widget = bound.field.widget
    described = [f"{bound.auto_id}_help"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}_error")
    attrs: dict[str, Any] = {
        "class": " ".join(filter(None, [widget.attrs.get("class", ""), control_class(widget)]))
    }
    if described:
        attrs["aria-describedby"] = " ".join(described)
    if bound.errors:
        attrs["aria-invalid"] = "true"
    if str(widget.attrs.get("placeholder", "")) == str(bound.label):
        # Said above the control already, and there it stays when one types.
        del widget.attrs["placeholder"]
    kind = control_kind(widget)
    if kind == "choices":
        # The group carries the description; repeating it on each choice would be read once a choice.
        attrs = {"class": "form-check-input"}
    return {
        "field": bound,
        "label": label or bound.label,
        "kind": kind,
        "control": "" if kind == "choices" else _control(bound, attrs),
        "choices": [*bound.subwidgets] if kind == "choices" else [],
        "described_by": " ".join(described),
    }


def control_kind(widget: widgets.Widget) -> str:
    """Which arrangement of label and control suits a widget: hidden, check, choices or control."""
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, widgets.RadioSelect | widgets.CheckboxSelectMultiple):
        return "choices"
    return "check" if isinstance(widget, widgets.CheckboxInput) else "control"


def control_class(widget: widgets.Widget) -> str:
    """The style sheet's class for a widget's element."""
    if isinstance(widget, widgets.CheckboxInput | widgets.RadioSelect | widgets.CheckboxSelectMultiple):
        return "form-check-input"
    return "form-select" if isinstance(widget, widgets.Select) else "form-control"


@register.inclusion_tag("components/filter_control.html")
def filter_control(bound: BoundField) -> dict[str, object]:
    """One control of a list's filter bar: text fields search, selects filter."""
    widget = bound.field.widget
    # Django's date widgets are text widgets as well.
    searches = isinstance(widget, widgets.TextInput) and not isinstance(widget, widgets.DateTimeBaseInput)
    if isinstance(widget, widgets.Input) and searches:
        widget.input_type = "search"
    control = _control(bound, {"class": control_class(widget)})
    return {"field": bound, "control": control, "searches": searches}


def _control(bound: BoundField, attrs: dict[str, Any]) -> SafeString:
    """A field's element; of a select all options at once, each of which Django renders by two templates."""
    field, widget = bound.field, bound.field.widget
    if not (isinstance(field, ChoiceField) and type(widget) is widgets.Select):
        return bound.as_widget(attrs=attrs)
    choices = list(cast(Iterable[tuple[Any, Any]], field.choices))
    if any(isinstance(label, list | tuple) for _, label in choices):
        # Choices in groups.
        return bound.as_widget(attrs=attrs)
    chosen = str(bound.value() or "")
    options = "".join(
        f'<option value="{escape(str(value))}"{" selected" if str(value) == chosen else ""}>'
        f"{escape(str(label))}</option>"
        for value, label in choices
    )
    written = widget.build_attrs(
        widget.attrs, bound.build_widget_attrs({"id": bound.auto_id, **attrs}, widget)
    )
    return format_html(
        '<select name="{}"{}>{}</select>', bound.html_name, flatatt(written), SafeString(options)
    )


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: Form) -> dict[str, object]:
    """The summary of a refused form's errors: it takes the focus and links to each field."""
    return {
        "general": form.non_field_errors(),
        "fields": [bound for bound in form if bound.errors and not bound.is_hidden],
        "hidden": [bound for bound in form.hidden_fields() if bound.errors],
        "count": sum(len(errors) for errors in form.errors.values()),
    }


@register.inclusion_tag("components/code.html")
def code(text: str, marks: Iterable[Any] = (), prefix: str = "L", label: str = "Text") -> dict[str, object]:
    """Text with line numbers to link to (#L12); `marks` are findings, which tint their lines."""
    worst: dict[int, str] = {}
    messages: dict[int, list[str]] = {}
    order = ["info", "warning", "error"]
    for mark in marks:
        line = int(_of(mark, "line") or 0)
        severity = str(_of(mark, "severity") or "info")
        messages.setdefault(line, []).append(str(_of(mark, "message") or ""))
        if line not in worst or order.index(severity) > order.index(worst[line]):
            worst[line] = severity
    lines = [
        {
            "number": number,
            "text": line,
            "tone": SEVERITY_LOOKS[worst[number]].tone if number in worst else "",
            "title": " ".join(messages.get(number, [])),
        }
        for number, line in enumerate(text.splitlines(), start=1)
    ]
    return {"lines": lines, "prefix": prefix, "label": label}


def _of(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


@register.inclusion_tag("components/step_graph.html")
def step_graph(graph: Mapping[str, Any], element_id: str = "graph", link: str = "step") -> dict[str, object]:
    """The picture of a document's steps, with the same facts as a list.

    Arguments:
        graph: `{"nodes": [{id, label, action, line, kind, status?}], "edges": [{source, target, kind,
            label}]}` as `ssmdoc.graph.build(...).as_dict()` gives it, with each step's status where it ran.
        element_id: id of the JSON element; unique on the page.
        link: where a node leads, "step" to #step-<id> or "line" to #L<line>.
    """
    edges = list(graph.get("edges", []))
    nodes = [
        {
            **node,
            "href": f"#L{node.get('line')}" if link == "line" else f"#step-{node['id']}",
            **({"tone": look_of(node["status"]).tone} if node.get("status") else {}),
        }
        for node in graph.get("nodes", [])
    ]
    labels = {node["id"]: node.get("label") or node["id"] for node in nodes}
    listed = [
        {
            **node,
            "leads_to": [
                {
                    "word": EDGE_WORDS.get(edge.get("kind", "next"), "then"),
                    "label": edge.get("label") or "",
                    "target": labels.get(edge["target"], edge["target"]),
                }
                for edge in edges
                if edge["source"] == node["id"]
            ],
        }
        for node in nodes
    ]
    return {
        "element_id": element_id,
        "nodes": listed,
        "kinds": {edge.get("kind") for edge in edges},
        "data": {"nodes": nodes, "edges": edges},
    }
