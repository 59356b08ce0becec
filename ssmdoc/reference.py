"""The generated parts of the language's README: ``python -m ssmdoc.reference docs/language.md`` writes them.

Each part stands between two comments that name it, ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ssmdoc import actions, policy
from ssmdoc.checks import RULES
from ssmdoc.specs import ActionSpec

_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
_EFFECTS = {"read": "reads", "change": "changes", "destroy": "destroys", "flow": "steers the run"}
# A setting of each organisation's rule, from which its sentence is made.
SETTINGS: Mapping[str, Any] = {
    "require_assume_role": True,
    "required_tags": ["Owner"],
    "forbidden_actions": ["aws:deleteStack"],
    "allowed_actions": ["aws:runInstances", "aws:sleep"],
    "forbidden_services": ["iam"],
    "allowed_services": ["ec2", "s3"],
    "forbidden_apis": ["ec2:Terminate*"],
    "allowed_apis": ["ec2:Describe*"],
    "allowed_regions": ["eu-west-1"],
    "allowed_instance_types": ["t3.*"],
    "no_inline_scripts": True,
    "require_approval": True,
    "schema": {"required": ["description"]},
}


def render(text: str) -> str:
    """The README's text with its generated parts anew. Raises KeyError when it names a part that is none."""
    return _PART.sub(lambda found: f"{found[1]}\n{_PARTS[found[2]]()}\n{found[3]}", text)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(heads), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def _rules() -> str:
    return _table(
        ("rule", "severity", "what a document keeps"),
        (
            (f"`{rule.id}`", rule.severity, f"{rule.description} [AWS]({rule.source})")
            for rule in sorted(RULES, key=lambda rule: rule.id)
        ),
    )


def _policy() -> str:
    rows = (
        (f"`{name}`", f"`{SETTINGS[name]!r}`", rule.sentence(SETTINGS[name]))
        for name, rule in policy.RULES.items()
    )
    return _table(("rule", "a setting", "what it then says"), rows)


def _actions() -> str:
    return _table(
        (
            "action",
            "what a step does",
            "effect",
            "outputs without declaration",
            "IAM always needed",
            "timeout",
        ),
        map(_row, actions.SPECS.values()),
    )


def _row(spec: ActionSpec) -> tuple[str, ...]:
    outputs = ", ".join(f"{item.name}: {item.type}" for item in spec.implied)
    return (
        f"[`{spec.name}`]({spec.source})",
        spec.summary + ("" if spec.cancel_target else " onCancel cannot lead to it."),
        _EFFECTS[spec.effect],
        outputs,
        ", ".join(f"`{action}`" for action in spec.iam),
        f"{spec.timeout_seconds} s" if spec.timeout_seconds else "",
    )


def _inputs() -> str:
    parts = []
    for spec in actions.SPECS.values():
        rows = (
            (
                f"`{item.name}`",
                item.type,
                "yes" if item.required else "one of these" if item.name in spec.either else "",
                item.description + (f" One of {', '.join(item.choices)}." if item.choices else ""),
            )
            for item in spec.inputs
        )
        more = "\nAnd the inputs of the operation that is called.\n" if spec.open_inputs else ""
        parts.append(f"### {spec.name}\n\n{_table(('input', 'type', 'required', 'what it is'), rows)}{more}")
    return "\n".join(parts)


_PARTS: Mapping[str, Callable[[], str]] = {
    "rules": _rules,
    "policy": _policy,
    "actions": _actions,
    "inputs": _inputs,
}

if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
