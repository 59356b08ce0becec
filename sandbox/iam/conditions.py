"""The Condition element: operators, set operators, IfExists, Null.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.iam.arns import ContextValues, UnresolvedVariable, arn_like, like, literally


class Undetermined(Exception):
    """The condition cannot be evaluated. An Allow then does not apply; a Deny does."""


Matcher = Callable[[str, str, ContextValues], bool]
"""(value of the policy, value of the request, context) -> whether they match."""


def _string_equals(wanted: str, found: str, context: ContextValues) -> bool:
    return literally(wanted, context) == found


def _string_equals_ignoring_case(wanted: str, found: str, context: ContextValues) -> bool:
    return literally(wanted, context).casefold() == found.casefold()


def _bool(wanted: str, found: str, context: ContextValues) -> bool:
    value = literally(wanted, context).lower()
    if value not in ("true", "false"):
        raise Undetermined(f"{wanted!r} is not true or false")
    return value == found.lower()


def _number(text: str, *, of_policy: bool) -> float | None:
    try:
        return float(text)
    except ValueError:
        if of_policy:
            raise Undetermined(f"{text!r} is not a number") from None
        return None


def _moment(text: str, *, of_policy: bool) -> float | None:
    try:
        if text.replace(".", "", 1).isdigit():
            return float(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        if of_policy:
            raise Undetermined(f"{text!r} is not a date") from None
        return None


def _comparison(
    convert: Callable[..., float | None], compare: Callable[[float, float], bool]
) -> Callable[[str, str, ContextValues], bool]:
    def matcher(wanted: str, found: str, context: ContextValues) -> bool:
        threshold = convert(literally(wanted, context), of_policy=True)
        value = convert(found, of_policy=False)
        return value is not None and threshold is not None and compare(value, threshold)

    return matcher


def _ip_address(wanted: str, found: str, context: ContextValues) -> bool:
    try:
        network = ipaddress.ip_network(literally(wanted, context), strict=False)
    except ValueError:
        raise Undetermined(f"{wanted!r} is not an address range") from None
    try:
        return ipaddress.ip_address(found) in network
    except ValueError:
        return False


def _orders(name: str, convert: Callable[..., float | None]) -> dict[str, Matcher]:
    return {
        f"{name}Equals": _comparison(convert, lambda a, b: a == b),
        f"{name}LessThan": _comparison(convert, lambda a, b: a < b),
        f"{name}LessThanEquals": _comparison(convert, lambda a, b: a <= b),
        f"{name}GreaterThan": _comparison(convert, lambda a, b: a > b),
        f"{name}GreaterThanEquals": _comparison(convert, lambda a, b: a >= b),
    }


_MATCHERS: dict[str, Matcher] = {
    "StringEquals": _string_equals,
    "StringEqualsIgnoreCase": _string_equals_ignoring_case,
    "StringLike": like,
    "BinaryEquals": _string_equals,
    "Bool": _bool,
    "IpAddress": _ip_address,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    **_orders("Numeric", _number),
    **_orders("Date", _moment),
}
_NEGATIONS = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_OPERATORS = {name.lower(): name for name in (*_MATCHERS, *_NEGATIONS)}


def texts(value: Any) -> list[str]:
    """A policy's value or list of values as strings, booleans and numbers spelled as in JSON."""
    values = value if isinstance(value, list) else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values]


def holds(condition: Mapping[str, Any], context: ContextValues) -> bool:
    """Whether every operator and every key of a Condition element is satisfied.

    Errors: Undetermined on an operator or a value that is not understood, UnresolvedVariable on a policy
    variable without a value.
    """
    return all(
        _operator_holds(operator, key.lower(), texts(wanted), context)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _operator_holds(operator: str, key: str, wanted: list[str], context: ContextValues) -> bool:
    quantifier, _, rest = operator.rpartition(":")
    quantifier = quantifier.lower()
    if quantifier not in ("", "forallvalues", "foranyvalue"):
        raise Undetermined(f"unknown set operator {operator!r}")
    found = context.get(key)
    if rest.lower() == "null":
        return any(_bool(w, str(found is None).lower(), context) for w in wanted)
    if_exists = rest.lower().endswith("ifexists")
    base = rest[: -len("IfExists")] if if_exists else rest
    name = _OPERATORS.get(base.lower())
    if name is None:
        raise Undetermined(f"unknown operator {operator!r}")
    negated = name in _NEGATIONS
    if found is None:
        return _absent_key_holds(quantifier, if_exists=if_exists, negated=negated)
    matcher = _MATCHERS[_NEGATIONS.get(name, name)]

    def satisfied(value: str) -> bool:
        return any(matcher(w, value, context) for w in wanted) != negated

    return _over_values(quantifier, found, satisfied, negated=negated)


def _absent_key_holds(quantifier: str, *, if_exists: bool, negated: bool) -> bool:
    if if_exists or quantifier == "forallvalues":
        return True
    # "Not equal" is true of nothing at all; ForAnyValue wants a value to look at.
    return negated and quantifier == ""


def _over_values(
    quantifier: str, found: Sequence[str], satisfied: Callable[[str], bool], *, negated: bool
) -> bool:
    if quantifier == "forallvalues":
        return all(satisfied(value) for value in found)
    if quantifier == "" and negated:
        return all(satisfied(value) for value in found)
    return any(satisfied(value) for value in found)


__all__ = ["Undetermined", "UnresolvedVariable", "holds", "texts"]
