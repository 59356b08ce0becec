"""How operations of AWS are named in documents."""

from __future__ import annotations


def operation_name(api: object) -> str:
    """An `Api` as its operation's name: ``describe_instances`` is DescribeInstances."""
    if not isinstance(api, str):
        return ""
    return "".join(part[:1].upper() + part[1:] for part in api.split("_"))
