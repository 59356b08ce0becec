"""The calls of boto3 that a script makes, once it is known what is called."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ssmdoc.analysis import sdk
from ssmdoc.analysis.script_values import (
    Client,
    Collection,
    Method,
    Paginator,
    Resource,
    Session,
    Values,
    Waiter,
    plain,
    texts,
)


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call of an operation. `line` counts from 1 in the script; `arguments` hold UNKNOWN where it cannot
    be told what they are, and `open` says that there may be more of them."""

    service: str
    operation: str
    line: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    open: bool = False


@dataclass(frozen=True, slots=True)
class Untold:
    """Something at a line that may call AWS, and why it cannot be told what."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Script:
    """All that was found in a script."""

    calls: tuple[ScriptCall, ...]
    untold: tuple[Untold, ...]


class SdkCalls:
    """Collects what one script calls, and what of it cannot be told."""

    def __init__(self) -> None:
        self.calls: list[ScriptCall] = []
        self.untold: dict[Untold, None] = {}

    def script(self) -> Script:
        """All of it, each call once, by line."""
        calls: dict[tuple[int, str, str, str], ScriptCall] = {}
        for call in self.calls:
            calls.setdefault((call.line, call.service, call.operation, repr(call.arguments)), call)
        ordered = sorted(calls.values(), key=lambda call: (call.line, call.service, call.operation))
        return Script(tuple(ordered), tuple(sorted(self.untold, key=lambda item: item.line)))

    def found(self, service: str, operation: str, line: int, named: dict[str, Values] | None = None) -> None:
        arguments = {name: plain(values) for name, values in (named or {}).items() if name != "**"}
        self.calls.append(ScriptCall(service, operation, line, arguments, "**" in (named or {})))

    def unclear(self, line: int, why: str) -> None:
        self.untold[Untold(line, why)] = None

    def make(self, kind: str, given: list[Values], named: dict[str, Values], node: ast.Call) -> Values:
        values = given[0] if given else named.get("service_name", ())
        services = texts(values)
        if not services:
            self.unclear(node.lineno, f"the service of this {kind} is only known when the script runs")
            return (Client(""),) if kind == "client" else ()
        if kind == "resource":
            return tuple(Resource(service) for service in services)
        return tuple(Client(service) for service in services)

    def attribute(
        self, owner: Client | Session | Resource | Collection | Paginator | Waiter, node: ast.Attribute
    ) -> Values:
        """An attribute of one of boto3's objects; reading a collection lists it."""
        if isinstance(owner, Resource):
            operation, type = sdk.collection(owner.service, owner.type, node.attr)
            if operation:
                self.found(owner.service, operation, node.lineno)
                return (Collection(owner.service, type, operation),)
            loading = sdk.loads(owner.service, owner.type, node.attr)
            if loading and not sdk.resource_child(owner.service, owner.type, node.attr):
                self.found(owner.service, loading, node.lineno)
        return (Method(owner, node.attr),)

    def call_method(
        self, method: Method, given: list[Values], named: dict[str, Values], node: ast.Call
    ) -> Values:
        owner, name, line = method.of, method.name, node.lineno
        match owner:
            case Session():
                if name in ("client", "resource", "create_client"):
                    return self.make("resource" if name == "resource" else "client", given, named, node)
            case Client():
                return self.call_client(owner, name, given, named, node)
            case Paginator():
                if name == "paginate" and owner.operation:
                    self.found(owner.service, owner.operation, line, named)
            case Waiter():
                if name == "wait":
                    self.found(owner.service, owner.operation, line, named)
            case Resource():
                return self.call_resource(owner, name, named, node)
            case Collection():
                operation = sdk.batch_action(owner.service, owner.type, name)
                if operation:
                    self.found(owner.service, operation, line, named)
                    return ()
                return (owner,)
        return ()

    def call_client(
        self, client: Client, name: str, given: list[Values], named: dict[str, Values], node: ast.Call
    ) -> Values:
        service, line = client.service, node.lineno
        if not service:
            self.unclear(line, f"{name} is called of a client whose service is not known")
            return ()
        if name in ("get_paginator", "get_waiter", "generate_presigned_url"):
            return self.named(service, name, given, named, line)
        if name == "generate_presigned_post":
            self.found(service, "PutObject", line)
            return ()
        operations = sdk.transfer(service, name) or tuple(filter(None, [sdk.operation(service, name)]))
        for operation in operations:
            self.found(service, operation, line, self.transferred(name, given) | named)
        if not operations and name not in sdk.PLAIN_METHODS:
            self.unclear(line, f"{service} has no operation for {name}")
        return ()

    def transferred(self, name: str, given: list[Values]) -> dict[str, Values]:
        """The bucket and key that S3's transfer methods take by their place."""
        places = {"upload_file": (1, 2), "upload_fileobj": (1, 2), "copy": (1, 2)}
        bucket, key = places.get(name, (0, 1))
        return {
            name: given[index]
            for name, index in (("Bucket", bucket), ("Key", key))
            if given and index < len(given)
        }

    def call_resource(self, owner: Resource, name: str, named: dict[str, Values], node: ast.Call) -> Values:
        child = sdk.resource_child(owner.service, owner.type, name)
        operation = sdk.resource_action(owner.service, owner.type, name)
        if operation and not (child and name[:1].isupper()):
            self.found(owner.service, operation, node.lineno, named)
            return ()
        if child:
            return (Resource(owner.service, child),)
        if not sdk.loads(owner.service, owner.type, name):
            self.unclear(node.lineno, f"{owner.service}'s {owner.type or 'resource'} has no method {name}")
        return ()

    def named(
        self, service: str, name: str, given: list[Values], named: dict[str, Values], line: int
    ) -> Values:
        """What a client makes of the name of an operation or waiter."""
        keys = {"get_paginator": "operation_name", "get_waiter": "waiter_name"}
        wanted = texts(given[0] if given else named.get(keys.get(name, "ClientMethod"), ()))
        if not wanted:
            self.unclear(line, f"the argument of {name} is only known when the script runs")
        if name == "get_waiter":
            waiters = [sdk.waiter_operation(service, item) for item in wanted]
            return tuple(Waiter(service, item) for item in waiters if item)
        operations = [found for item in wanted if (found := sdk.operation(service, item))]
        if name == "get_paginator":
            return tuple(Paginator(service, found) for found in operations)
        for operation in operations:
            self.found(service, operation, line)
        return ()


def answers(owner: Any, method: str) -> bool:
    """Whether one of boto3's objects has a method; anything but a client counts as having it."""
    if not isinstance(owner, Client) or not owner.service or method in sdk.PLAIN_METHODS:
        return True
    known = method.startswith(("get_paginator", "get_waiter", "generate_presigned"))
    return known or bool(sdk.transfer(owner.service, method) or sdk.operation(owner.service, method))
