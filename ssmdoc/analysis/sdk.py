"""boto3 as scripts use it: methods of clients, waiters, and the objects of the resource API.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/resources.html
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """(an operation's path, the argument of each ``{word}`` in it); empty for an unknown operation."""
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


@dataclass(frozen=True, slots=True)
class Request:
    """What a member of a resource asks for. `arguments` are those that the resource itself gives, each with
    what gives it (`identifier` or `value`), its name or the value, and whether it is a list of one. `type` is
    the type of resource that it returns, or empty; `many` says that it returns several."""

    operation: str
    arguments: Mapping[str, tuple[str, str, bool]] = field(default_factory=dict)
    type: str = ""
    many: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """A type of resource, and what gives its identifiers, by their names: (`input`, `identifier` or
    `requestParameter`; the name of that)."""

    type: str
    identifiers: Mapping[str, tuple[str, str]]


def identifiers(service: str, type: str) -> tuple[str, ...]:
    """The names of what tells resources of a type apart."""
    return tuple(_resources().get(service, {}).get(type, {}).get("ids", ()))


def resource_action(service: str, type: str, method: str) -> Request | None:
    """What a method of a resource asks for, or None."""
    if method in ("load", "reload"):
        found = _resources().get(service, {}).get(type, {}).get("load")
        return Request(*found) if found else None
    if method.startswith("wait_until_"):
        waiter = _member(service, type, "waiters", method[11:])
        operation = waiter_operation(service, waiter[0]) if waiter else ""
        return Request(operation, waiter[1]) if operation else None
    if service == "s3" and method in _TRANSFERS:
        named = {name: ("identifier", name, False) for name in identifiers(service, type)}
        bucket = named.get("BucketName", named.get("Name"))
        given = {"Bucket": bucket, "Key": named.get("Key")}
        return Request(_TRANSFERS[method][0], {name: item for name, item in given.items() if item})
    found = _member(service, type, "actions", method)
    return Request(*found) if found else None


def resource_child(service: str, type: str, name: str) -> Child | None:
    """The type that a resource makes by that name (``ec2.Instance``), or None."""
    found = _member(service, type, "has", name)
    if found is not None:
        return Child(*found)
    if not type and name in _resources().get(service, {}):
        return Child(name, dict.fromkeys(identifiers(service, name), ("input", "")))
    return None


def collection(service: str, type: str, name: str) -> tuple[Request, Child] | None:
    """(what lists them, the type of each) of a collection like ``instances``, or None."""
    found = _member(service, type, "hasMany", name)
    return (Request(found[0], found[1]), Child(found[2], found[3])) if found else None


def batch_action(service: str, type: str, method: str) -> str:
    """The operation of a method of a whole collection, or nothing."""
    found = _member(service, type, "batch", method)
    return found[0] if found else ""


def loads(service: str, type: str, attribute: str) -> Request | None:
    """What reading an attribute of a resource asks for, or None."""
    if attribute in ("load", "reload") or attribute.startswith("wait_until_"):
        return None
    if resource_action(service, type, attribute):
        return None
    known = ("id", "name", "arn", "meta", "key", "bucket_name", "url", "group_name")
    identified = {_joined(name) for name in identifiers(service, type)}
    if attribute in known or _joined(attribute) in identified:
        return None
    return resource_action(service, type, "load")
