"""References: finding, understanding and replacing them."""

from typing import Any

import pytest

from ssmdoc import UnresolvedReference, references
from ssmdoc.references import Reference

VALUES: dict[str, Any] = {
    "name": "web",
    "ids": ["i-1", "i-2"],
    "count": 3,
    "on": True,
    "tags": {"a": 1},
    "none": None,
}


def lookup(reference: Reference) -> Any:
    return VALUES[reference.name]


@pytest.mark.parametrize(
    ("text", "kind", "name", "output"),
    [
        ("{{ Name }}", "parameter", "Name", ""),
        ("{{Name}}", "parameter", "Name", ""),
        ("{{ step.Output }}", "output", "step", "Output"),
        ("{{ step.my output.x }}", "output", "step", "my output.x"),
        ("{{ variable:Count }}", "variable", "Count", ""),
        ("{{global:REGION}}", "global", "REGION", ""),
        ("{{ automation:EXECUTION_ID }}", "automation", "EXECUTION_ID", ""),
        ("{{ssm:/aws/service/ami}}", "ssm", "/aws/service/ami", ""),
        ("{{ color: #fff; }}", "other", "color: #fff;", ""),
        ("{{ print $1 }}", "other", "print $1", ""),
        ("{{}}", "other", "", ""),
    ],
)
def test_it_understands_what_a_reference_names(text: str, kind: str, name: str, output: str) -> None:
    (found,) = references.find(text)
    assert (found.kind, found.name, found.output, found.whole) == (kind, name, output, True)


def test_it_finds_references_anywhere_with_their_path() -> None:
    found = references.find({"a": ["x {{ b }} {{ c.D }}", 3, {"k": "{{ e }}"}], "{{ key }}": None})
    assert [(item.expression, item.path, item.whole, item.start, item.end) for item in found] == [
        ("b", ("a", 0), False, 2, 9),
        ("c.D", ("a", 0), False, 10, 19),
        ("e", ("a", 2, "k"), True, 0, 7),
    ]


def test_a_whole_value_keeps_its_type() -> None:
    for name, value in VALUES.items():
        assert references.substitute(f"{{{{ {name} }}}}", lookup) == value
        assert references.substitute([f"{{{{{name}}}}}"], lookup) == [value]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("name", "web"),
        ("ids", '["i-1","i-2"]'),
        ("count", "3"),
        ("on", "true"),
        ("tags", '{"a":1}'),
        ("none", "null"),
    ],
)
def test_inside_a_text_it_is_written_as_aws_writes_it(name: str, written: str) -> None:
    assert references.substitute(f"<{{{{ {name} }}}}>", lookup) == f"<{written}>"


def test_replaced_text_is_not_searched_again() -> None:
    assert references.substitute("a {{ x }}", lambda _: "{{ name }}") == "a {{ name }}"


def test_it_refuses_what_nobody_knows_unless_told_that_it_is_literal() -> None:
    with pytest.raises(UnresolvedReference, match=r"\{\{ absent \}\} refers to nothing"):
        references.substitute({"a": "x {{ absent }}"}, lookup)
    assert (
        references.substitute("x {{ absent }} {{ count }}", lookup, literal_unresolved=True)
        == "x {{ absent }} 3"
    )
    assert references.substitute("{{ absent }}", lookup, literal_unresolved=True) == "{{ absent }}"


def test_braces_that_can_name_nothing_stay_text() -> None:
    css = "td {{ color: red; }} awk '{{print $1}}'"
    assert references.substitute(css, lookup) == css


def test_the_value_given_is_not_changed() -> None:
    value = {"a": ["{{ count }}"]}
    assert references.substitute(value, lookup) == {"a": [3]}
    assert value == {"a": ["{{ count }}"]}
