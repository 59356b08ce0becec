"""boto3 as scripts use it: methods of clients, waiters, and the objects of the resource API.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import botocore

from ssmdoc import apis

# What clients of S3 do beyond the service's operations, by the operations that it comes to.
# https://boto3.amazonaws.com/v1/documentation/api/latest/guide/s3.html
_TRANSFERS: Mapping[str, tuple[str, ...]] = {
    "upload_file": ("PutObject",),
    "upload_fileobj": ("PutObject",),
    "download_file": ("GetObject",),
    "download_fileobj": ("GetObject",),
    "copy": ("CopyObject",),
}
PLAIN_METHODS = ("can_paginate", "close", "exceptions", "meta", "waiter_names")
"""What else a client has, and what calls nothing."""


def operation(service: str, method: str) -> str:
    """The operation that a client's method calls, or nothing."""
    known = apis.service(service)
    found = known.operation(method) if known else None
    return found.name if found else ""


def transfer(service: str, method: str) -> tuple[str, ...]:
    """The operations of a client's transfer method, which only S3 has."""
    return _TRANSFERS.get(method, ()) if service == "s3" else ()


@lru_cache(maxsize=64)
def _waiters(service: str) -> Mapping[str, str]:
    folder = Path(botocore.__file__).parent / "data" / service
    files = sorted(folder.glob("*/waiters-2.json"))
    if not files:
        return {}
    waiters = json.loads(files[-1].read_text())["waiters"]
    return {_joined(name): waiter["operation"] for name, waiter in waiters.items()}


def waiter_operation(service: str, name: str) -> str:
    """The operation that a waiter repeats, or nothing."""
    return _waiters(service).get(_joined(name), "")


def request_path(service: str, operation: str) -> tuple[str, Mapping[str, str]]:
    """(an operation's path, the argument of each ``{word}`` in it); empty for an operation that is not known."""
    model = _paths(service.lower())
    found = model["operations"].get(operation)
    if found is None:
        return "", {}
    members = model["shapes"].get(found.get("input", {}).get("shape", ""), {}).get("members", {})
    return found["http"]["requestUri"], {
        member.get("locationName", name): name
        for name, member in members.items()
        if member.get("location") == "uri"
    }


@lru_cache(maxsize=8)
def _paths(service: str) -> Mapping[str, Any]:
    files = sorted((Path(botocore.__file__).parent / "data" / service).glob("*/service-2.json.gz"))
    if not files:
        return {"operations": {}, "shapes": {}}
    model: Mapping[str, Any] = json.loads(gzip.decompress(files[-1].read_bytes()))
    return model


@lru_cache(maxsize=1)
def _resources() -> Mapping[str, Any]:
    """Generated from boto3's own description: by service and type, the operation of each member."""
    table: Mapping[str, Any] = json.loads((Path(__file__).parent / "resource_api.json").read_text())
    return table


def _joined(name: str) -> str:
    return name.replace("_", "").lower()


@lru_cache(maxsize=2048)
def _member(service: str, type: str, kind: str, name: str) -> Any:
    members = _resources().get(service, {}).get(type, {}).get(kind, {})
    return next((value for key, value in members.items() if _joined(key) == _joined(name)), None)


def has_resources(service: str) -> bool:
    """Whether boto3 has a resource API of the service."""
    return service in _resources()


def resource_action(service: str, type: str, method: str) -> str:
    """The operation of a method of a resource, or nothing."""
    if method in ("load", "reload"):
        return str(_resources().get(service, {}).get(type, {}).get("load", ""))
    if method.startswith("wait_until_"):
        return waiter_operation(service, _member(service, type, "waiters", method[11:]) or "")
    if service == "s3" and method in _TRANSFERS:
        return _TRANSFERS[method][0]
    return _member(service, type, "actions", method) or ""


def resource_child(service: str, type: str, name: str) -> str:
    """The type that a resource makes by that name (``ec2.Instance``), or nothing."""
    found = _member(service, type, "has", name)
    if found is None and not type and name in _resources().get(service, {}):
        return name
    return found or ""


def collection(service: str, type: str, name: str) -> tuple[str, str]:
    """(operation, type of each) of a collection like ``instances``; empty when there is none."""
    found = _member(service, type, "hasMany", name)
    return (found[0], found[1]) if found else ("", "")


def batch_action(service: str, type: str, method: str) -> str:
    """The operation of a method of a whole collection, or nothing."""
    return _member(service, type, "batch", method) or ""


def loads(service: str, type: str, attribute: str) -> str:
    """The operation that reading an attribute of a resource calls, or nothing."""
    if attribute in ("load", "reload") or attribute.startswith("wait_until_"):
        return ""
    if resource_action(service, type, attribute):
        return ""
    kind = _resources().get(service, {}).get(type, {})
    identifiers = ("id", "name", "arn", "meta", "key", "bucket_name", "url", "group_name")
    identified = {_joined(name) for name in kind.get("ids", ())}
    if attribute in identifiers or _joined(attribute) in identified:
        return ""
    return str(kind.get("load", ""))
