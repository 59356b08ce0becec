"""The language's README: its generated tables are current, its example runs, its output is what it says."""

import re
from pathlib import Path

import pytest

import ssmdoc
from ssmdoc import policy, reference

README = Path(__file__).resolve().parents[2] / "docs" / "language.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_tables_are_current() -> None:
    assert reference.render(TEXT) == TEXT, "Run `python -m ssmdoc.reference docs/language.md` and commit it."


def test_every_rule_and_action_is_in_it() -> None:
    assert all(f"| `{rule.id}` |" in TEXT for rule in ssmdoc.checks.RULES)
    assert all(f"| `{name}` |" in TEXT for name in policy.RULES)
    assert all(f"### {name}\n" in TEXT for name in ssmdoc.actions.SPECS)


def test_the_settings_shown_can_be_used() -> None:
    assert policy.validate_rules(dict(reference.SETTINGS)) == {}


def test_an_unknown_part_is_not_dropped_in_silence() -> None:
    with pytest.raises(KeyError):
        reference.render("<!-- generated: nothing -->\n<!-- end: nothing -->")


def test_the_example_runs_and_finds_what_the_json_example_shows(capsys: pytest.CaptureFixture[str]) -> None:
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert example
    names: dict[str, object] = {}
    exec(example[1], names)
    assert names["steps"] == [("stop", "aws:changeInstanceState", "destroy")]
    assert names["broken"]
    printed = capsys.readouterr().out
    assert "8 63 error input-type DesiredState is running, stopped or terminated." in printed
