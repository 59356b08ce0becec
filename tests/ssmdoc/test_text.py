"""Reading JSON and YAML: values, positions, and a sentence for every way of getting it wrong."""

import time

import pytest

import ssmdoc


def finding(text: str, **more: str) -> ssmdoc.Finding:
    found = [item for item in ssmdoc.parse(text, **more).findings if item.severity == "error"]
    assert len(found) == 1, found
    return found[0]


JSON = """{
  "schemaVersion": "0.3",
  "mainSteps": [
    {"name": "wait", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}
  ]
}"""
YAML = """schemaVersion: '0.3'
mainSteps:
  - name: wait
    action: aws:sleep
    inputs:
      Duration: PT1S
"""


@pytest.mark.parametrize("text", [JSON, YAML])
def test_it_reads_both_notations_to_the_same_document(text: str) -> None:
    parsed = ssmdoc.parse(text)
    assert parsed.findings == ()
    assert parsed.document is not None
    assert parsed.document.schema_version == "0.3"
    assert [step.name for step in parsed.document.steps] == ["wait"]
    assert parsed.document.steps[0].inputs == {"Duration": "PT1S"}


def test_it_knows_where_each_value_stands() -> None:
    path = ("mainSteps", 0, "inputs", "Duration")
    assert ssmdoc.position(ssmdoc.parse(JSON), path) == (4, 68)
    assert ssmdoc.position(ssmdoc.parse(YAML), path) == (6, 17)
    assert ssmdoc.position(ssmdoc.parse(YAML), ("mainSteps", 0, "inputs", "Absent")) == (6, 7)


def test_columns_count_characters_not_bytes() -> None:
    text = 'a: {"😀é": x, b: y}'
    assert ssmdoc.position(ssmdoc.parse(text), ("a", "b")) == (1, 17)
    text = '{"a": ["😀é", 1]}'
    assert ssmdoc.position(ssmdoc.parse(text), ("a", 1)) == (1, 14)


def test_lines_may_end_as_on_windows() -> None:
    assert ssmdoc.position(ssmdoc.parse("a: 1\r\nb: 2\r\n"), ("b",)) == (2, 4)
    assert ssmdoc.position(ssmdoc.parse('{"a": 1,\r\n"b": 2}'), ("b",)) == (2, 6)


@pytest.mark.parametrize(
    ("text", "id", "place", "says"),
    [
        ("", "text-yaml", (1, 1), "empty"),
        ("   \n", "text-yaml", (1, 1), "empty"),
        ("- a\n- b\n", "document-shape", (1, 1), "is a map"),
        ("a: 1\nb:\n\tc: 2\n", "text-yaml", (3, 1), "cannot start any token"),
        ("a: 1\na: 2\n", "text-duplicate-key", (2, 1), "stands twice: it is already on line 1"),
        ("a: 1\n---\nb: 2\n", "text-documents", (2, 1), "more than one"),
        ("a: *b\n", "text-alias", (1, 4), "refers to nothing"),
        ("a: &b [*b]\n", "text-alias", (1, 8), "refers to nothing"),
        ("a: !Ref b\n", "text-yaml-tag", (1, 4), "no tag `!Ref`"),
        ("a: !!binary aGk=\n", "text-yaml-tag", (1, 4), "no tag `!!binary`"),
        ("a: {{ x }}\n", "text-key", (1, 5), "must be plain text"),
        ("a: 'x\n", "text-yaml", (1, 4), "This is not YAML"),
        ("a:\n  b: 'x\n  c: 'y'\n  d: 1\n", "text-yaml", (2, 6), "This is not YAML"),
        ("a: b: c\n", "text-yaml", (1, 5), "mapping values are not allowed"),
        ("a: \x00\n", "text-character", (1, 4), "U+0000"),
        ('{"a": 1,}', "text-json", (1, 8), "A comma stands before `}`"),
        ('{"a": [1,]}', "text-json", (1, 9), "A comma stands before `]`"),
        ('{"a": 1\n"b": 2}', "text-json", (1, 8), "`,` or `}` is missing"),
        ('{"a" 1}', "text-json", (1, 5), "`:` is missing"),
        ("{a: 1}", "text-json", (1, 2), "double quotes"),
        ('{"a": yes}', "text-json", (1, 7), "`yes` is not a JSON value"),
        ('{"a": 01}', "text-json", (1, 7), "`01` is not a JSON value"),
        ('{"a": 1} x', "text-json", (1, 10), "follows the end"),
        ('{"a": "b', "text-json", (1, 7), "not closed"),
        ('{"a": "b\nc"}', "text-json", (1, 9), "a line break"),
        ('{"a": "b\\d"}', "text-json", (1, 9), "not an escape"),
        ('{"a": "\\ud800"}', "text-json", (1, 7), "surrogate"),
        ('{"a": [', "text-json", (1, 8), "ends in the middle"),
        ('{"a": {"b": 1}', "text-json", (1, 15), "ends before `}`: line 1, column 1 is still open"),
        ('{"a": 1,\n "a": 2}', "text-duplicate-key", (2, 2), "stands twice"),
        ('{"a": // why\n 1}', "text-json", (1, 7), "`//` is not a JSON value"),
    ],
)
def test_it_says_what_is_wrong_and_where(text: str, id: str, place: tuple[int, int], says: str) -> None:
    found = finding(text)
    assert (found.id, (found.line, found.column)) == (id, place), found
    assert says in found.message


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{" * 60_000, '{"a":' * 12_000, "- " * 30_000, '{"a": ' + "[" * 60_000]
)
def test_it_refuses_deep_nesting_at_once(text: str) -> None:
    before = time.process_time()
    assert finding(text).id in ("text-depth", "text-json", "text-key")
    assert time.process_time() - before < 1


def test_it_refuses_aliases_that_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    before = time.process_time()
    found = finding("\n".join(lines))
    assert found.id == "text-alias"
    assert "100000 values" in found.message
    assert time.process_time() - before < 1


def test_a_few_aliases_are_followed_with_a_warning() -> None:
    parsed = ssmdoc.parse("a: &x {k: v}\nb: *x\nc: *x\n")
    assert parsed.data == {"a": {"k": "v"}, "b": {"k": "v"}, "c": {"k": "v"}}
    assert [(item.id, item.severity, item.line) for item in parsed.findings] == [("text-alias", "warning", 2)]


def test_keys_are_text_whatever_yaml_makes_of_them() -> None:
    assert ssmdoc.parse("on: 1\nyes: 2\n3: c\n~: d\n2020-01-01: e\n").data == {
        "on": 1,
        "yes": 2,
        "3": "c",
        "~": "d",
        "2020-01-01": "e",
    }


def test_values_are_what_an_author_meant_or_it_warns() -> None:
    parsed = ssmdoc.parse(
        "a: 2020-01-01\nb: 12:30:45\nc: yes\nd: 0123\ne: 1_000\nf: 0x1F\ng: .5\nh: .\ni: -\n"
    )
    assert parsed.data is None, "a lone dash is a list"
    parsed = ssmdoc.parse(
        "a: 2020-01-01\nb: 12:30:45\nc: yes\nd: 0123\ne: 1_000\nf: 0x1F\ng: .5\nh: .\ni: .inf\n"
    )
    assert parsed.data == {
        "a": "2020-01-01",
        "b": "12:30:45",
        "c": True,
        "d": 83,
        "e": 1000,
        "f": 31,
        "g": 0.5,
        "h": ".",
        "i": ".inf",
    }
    assert [(item.id, item.line) for item in parsed.findings] == [
        ("text-yaml-boolean", 3),
        ("text-yaml-octal", 4),
    ]


def test_it_reads_what_quotes_and_tags_say() -> None:
    assert ssmdoc.parse("a: !!str 5\nb: '5'\nc: !!int '5'\nd: ! 7\ne: |\n  5\n").data == {
        "a": "5",
        "b": "5",
        "c": 5,
        "d": "7",
        "e": "5\n",
    }


def test_it_warns_of_a_byte_order_mark_and_reads_on() -> None:
    parsed = ssmdoc.parse("\ufeff" + JSON)
    assert parsed.format == "JSON"
    assert parsed.document is not None
    assert [(item.id, item.severity) for item in parsed.findings] == [("text-bom", "warning")]
    assert ssmdoc.position(parsed, ("schemaVersion",)) == (2, 20)


def test_it_refuses_more_than_64_kb() -> None:
    long = "description: " + "x" * 70_000 + "\n"
    found = finding(long)
    assert (found.id, found.line) == ("text-size", 2)
    assert ssmdoc.parse(long).data is not None
    spaces = '{"description": "x"' + " " * 70_000 + "}"
    assert [(item.id, item.severity) for item in ssmdoc.parse(spaces).findings] == [("text-size", "warning")]
    before = time.process_time()
    assert finding("x" * 3_000_000).id == "text-size"
    assert time.process_time() - before < 1


def test_the_format_can_be_told() -> None:
    assert ssmdoc.parse('{"a": 1}', format="YAML").data == {"a": 1}
    assert finding("a: 1", format="JSON").id == "text-json"
