"""The policies that the README tells an administrator to make are those that the sandbox works with."""

import json
import re
from pathlib import Path
from typing import Any

from aws import laboratory

README = Path(__file__).resolve().parents[2] / "README.md"
WORKERS = "arn:aws:iam::PORTAL_ACCOUNT:role/PORTAL_WORKERS"


def statements(policy: str) -> list[dict[str, Any]]:
    """Return a policy's statements, one action or resource written as a list of one, as IAM reads them."""
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    for statement in found:
        for key in statement.keys() & {"Action", "Resource"}:
            if isinstance(statement[key], str):
                statement[key] = [statement[key]]
    return found


def test_the_readme_s_policies_are_the_laboratory_s() -> None:
    written = re.findall(r"```json\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert [statements(text) for text in written] == [
        statements(policy)
        for policy in (
            laboratory.portal_role_trust(WORKERS, "YOUR_EXTERNAL_ID"),
            laboratory.opening_policy("ACCOUNT"),
            laboratory.portal_role_policy("ACCOUNT", "REGION"),
            laboratory.service_role_trust("ACCOUNT", "REGION"),
        )
    ]
