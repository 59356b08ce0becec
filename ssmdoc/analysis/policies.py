"""A ready policy document from needs.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ssmdoc.analysis.needs import Need
from ssmdoc.wildcards import matches

LIMIT = 6144
"""Characters of a managed policy, spaces not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""


def policy(needs: Iterable[Need]) -> dict[str, Any]:
    """The policy that grants the needs: a statement for each set of resources and conditions, sorted."""
    wanted: dict[tuple[str, str], tuple[set[str], Mapping[str, Any]]] = {}
    for need in needs:
        condition = json.dumps(need.conditions, sort_keys=True)
        resources, _ = wanted.setdefault((need.action, condition), (set(), need.conditions))
        resources.update(need.resources)
    groups: dict[tuple[tuple[str, ...], str], tuple[list[str], Mapping[str, Any]]] = {}
    for (action, condition), (resources, conditions) in sorted(wanted.items(), key=lambda item: item[0]):
        free = wanted[action, "{}"][0] if conditions and (action, "{}") in wanted else set[str]()
        kept = tuple(item for item in _kept(resources) if not any(matches(wide, item) for wide in free))
        if not kept:
            continue
        groups.setdefault((kept, condition), ([], conditions))[0].append(action)
    statements = []
    for number, ((kept, _), (actions, conditions)) in enumerate(
        sorted(groups.items(), key=lambda item: (item[1][0], item[0])), 1
    ):
        statement: dict[str, Any] = {
            "Sid": _sid(actions, number),
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(kept) if len(kept) > 1 else kept[0],
        }
        if conditions:
            statement["Condition"] = dict(conditions)
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


def _kept(resources: set[str]) -> list[str]:
    """The resources without those that another of them covers."""
    return [
        item
        for item in sorted(resources)
        if not any(
            wide != item and matches(wide, item) and not (wide > item and matches(item, wide))
            for wide in resources
        )
    ]


def characters(document: Mapping[str, Any]) -> int:
    """How many characters IAM counts: those that are no white space."""
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"))))


def fits(document: Mapping[str, Any]) -> bool:
    """Whether one managed policy can hold it."""
    return characters(document) <= LIMIT


def _sid(actions: list[str], number: int) -> str:
    prefixes = sorted({action.partition(":")[0] for action in actions})
    shown = "".join(part.capitalize() for part in re.findall(r"[a-z0-9]+", prefixes[0]))
    return f"{shown if len(prefixes) == 1 else 'Several'}{number}"
