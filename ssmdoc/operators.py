"""The operators by which conditions of branches and loops compare, each with its sign in a sentence.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-branch-condition.html
"""

from __future__ import annotations

TEXT = {
    "StringEquals": "=",
    "EqualsIgnoreCase": "≈",
    "StartsWith": "starts with",
    "EndsWith": "ends with",
    "Contains": "contains",
}
NUMERIC = {
    "NumericEquals": "=",
    "NumericGreater": ">",
    "NumericLesser": "<",
    "NumericGreaterOrEquals": "≥",
    "NumericLesserOrEquals": "≤",
}
ALL = {**TEXT, **NUMERIC, "BooleanEquals": "="}
