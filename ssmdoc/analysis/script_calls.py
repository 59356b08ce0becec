"""The calls of boto3 that a script makes, once it is known what is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ssmdoc.analysis import sdk
from ssmdoc.analysis.script_values import (
    HERE,
    UNKNOWN,
    Client,
    Collection,
    Literal,
    Method,
    Paginator,
    Resource,
    Session,
    Target,
    Values,
    Waiter,
    plain,
    texts,
    wrapped,
)


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A call of an operation. `line` counts from 1 in the script; `arguments` hold UNKNOWN where it cannot
    be told what they are, and `open` says that there may be more of them. `target` is where it goes."""

    service: str
    operation: str
    line: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    open: bool = False
    target: Target = HERE


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
            how = repr((call.arguments, call.open, call.target))
            calls.setdefault((call.line, call.service, call.operation, how), call)
        ordered = sorted(calls.values(), key=lambda call: (call.line, call.service, call.operation))
        return Script(tuple(ordered), tuple(sorted(self.untold, key=lambda item: item.line)))

    def found(
        self,
        owner: Client | Resource | Collection | Paginator | Waiter,
        operation: str,
        line: int,
        named: Mapping[str, Values] | None = None,
    ) -> None:
        arguments = {name: plain(values) for name, values in (named or {}).items() if name != "**"}
        call = ScriptCall(owner.service, operation, line, arguments, "**" in (named or {}), owner.target)
        self.calls.append(call)

    def unclear(self, line: int, why: str) -> None:
        self.untold[Untold(line, why)] = None

    def make(
        self, kind: str, given: list[Values], named: dict[str, Values], node: ast.Call, base: Target = HERE
    ) -> Values:
        values = given[0] if given else named.get("service_name", ())
        services = texts(values)
        places = targets(given[1:2], named, base)
        if not services:
            self.unclear(node.lineno, f"the service of this {kind} is only known when the script runs")
            return (Client(""),) if kind == "client" else ()
        if kind == "resource":
            return tuple(Resource(service, "", target) for service in services for target in places)
        return tuple(Client(service, target) for service in services for target in places)

    def attribute(
        self, owner: Client | Session | Resource | Collection | Paginator | Waiter, node: ast.Attribute
    ) -> Values:
        """An attribute of one of boto3's objects; reading a collection lists it."""
        if isinstance(owner, Resource):
            listed = sdk.collection(owner.service, owner.type, node.attr)
            if listed:
                request, child = listed
                self.found(owner, request.operation, node.lineno, requested(owner, request))
                return (Collection(owner.service, child.type, owner.target, shared(owner, request, child)),)
            loading = sdk.loads(owner.service, owner.type, node.attr)
            child_ = sdk.resource_child(owner.service, owner.type, node.attr)
            if loading and not child_:
                self.found(owner, loading.operation, node.lineno, requested(owner, loading))
        return (Method(owner, node.attr),)

    def call_method(
        self, method: Method, given: list[Values], named: dict[str, Values], node: ast.Call
    ) -> Values:
        owner, name, line = method.of, method.name, node.lineno
        match owner:
            case Session():
                if name in ("client", "resource", "create_client"):
                    kind = "resource" if name == "resource" else "client"
                    return self.make(kind, given, named, node, owner.target)
            case Client():
                return self.call_client(owner, name, given, named, node)
            case Paginator():
                if name == "paginate" and owner.operation:
                    self.found(owner, owner.operation, line, named)
            case Waiter():
                if name == "wait":
                    self.found(owner, owner.operation, line, named)
            case Resource():
                return self.call_resource(owner, name, given, named, node)
            case Collection():
                operation = sdk.batch_action(owner.service, owner.type, name)
                if operation:
                    self.found(owner, operation, line, named)
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
            return self.named(client, name, given, named, line)
        if name == "generate_presigned_post":
            self.found(client, "PutObject", line)
            return ()
        operations = sdk.transfer(service, name) or tuple(filter(None, [sdk.operation(service, name)]))
        for operation in operations:
            self.found(client, operation, line, self.transferred(name, given) | named)
        if not operations and name not in sdk.PLAIN_METHODS:
            self.unclear(line, f"{service} has no operation for {name}")
        return ()

    def transferred(self, name: str, given: list[Values]) -> dict[str, Values]:
        """The bucket and key that S3's transfer methods take by their place."""
        places = {"upload_file": (1, 2), "upload_fileobj": (1, 2), "copy": (1, 2)}
        bucket, key = places.get(name, (0, 1))
        taken = [("Bucket", bucket), ("Key", key), *([("CopySource", 0)] if name == "copy" else [])]
        return {name: given[index] for name, index in taken if given and index < len(given)}

    def call_resource(
        self, owner: Resource, name: str, given: list[Values], named: dict[str, Values], node: ast.Call
    ) -> Values:
        service, type = owner.service, owner.type
        child = sdk.resource_child(service, type, name)
        request = sdk.resource_action(service, type, name)
        if request and not (child and name[:1].isupper()):
            self.found(owner, request.operation, node.lineno, {**requested(owner, request), **named})
            made = Collection if request.many else Resource
            return (made(service, request.type, owner.target),) if request.type else ()
        if child:
            return (Resource(service, child.type, owner.target, identified(owner, child, given, named)),)
        if not sdk.loads(service, type, name):
            self.unclear(node.lineno, f"{service}'s {type or 'resource'} has no method {name}")
        return ()

    def named(
        self, client: Client, name: str, given: list[Values], named: dict[str, Values], line: int
    ) -> Values:
        """What a client makes of the name of an operation or waiter."""
        service = client.service
        keys = {"get_paginator": "operation_name", "get_waiter": "waiter_name"}
        wanted = texts(given[0] if given else named.get(keys.get(name, "ClientMethod"), ()))
        if not wanted:
            self.unclear(line, f"the argument of {name} is only known when the script runs")
        if name == "get_waiter":
            waiters = [sdk.waiter_operation(service, item) for item in wanted]
            return tuple(Waiter(service, item, client.target) for item in waiters if item)
        operations = [found for item in wanted if (found := sdk.operation(service, item))]
        if name == "get_paginator":
            return tuple(Paginator(service, found, client.target) for found in operations)
        parameters = plain(given[1] if len(given) > 1 else named.get("Params", ()))
        signed = (
            {key: wrapped(item) for key, item in parameters.items()} if isinstance(parameters, dict) else {}
        )
        for operation in operations:
            self.found(client, operation, line, signed)
        return ()


def targets(given: list[Values], named: Mapping[str, Values], base: Target) -> list[Target]:
    """Where a client or session of these arguments sends its calls."""
    foreign = base.foreign or any(name in named for name in ("aws_access_key_id", "aws_session_token"))
    values = named.get("region_name", given[0] if given else None)
    if values is None:
        config = plain(named.get("config", (Literal({}),)))
        if not isinstance(config, dict):
            return [Target("*", foreign)]
        if "region_name" not in config:
            return [Target(base.region, foreign)]
        values = wrapped(config["region_name"])
    found = [plain((value,)) for value in values]
    if not found or not all(isinstance(item, str) or item is None for item in found):
        return [Target("*", foreign)]
    return [Target(item if item else base.region, foreign) for item in found]


def requested(owner: Resource, request: sdk.Request) -> dict[str, Values]:
    """The arguments that a resource gives to what one of its members asks for."""
    found: dict[str, Values] = {}
    for name, (source, given, listed) in request.arguments.items():
        value = owner.identifiers.get(given, UNKNOWN) if source == "identifier" else given
        found[name] = (Literal([value] if listed else value),)
    return found


def identified(
    owner: Resource, child: sdk.Child, given: list[Values], named: Mapping[str, Values]
) -> dict[str, Any]:
    """The identifiers of a resource that is made of these arguments and of what its owner knows."""
    found: dict[str, Any] = {}
    rest = list(given)
    for name, (source, of) in child.identifiers.items():
        if source == "identifier":
            found[name] = owner.identifiers.get(of, UNKNOWN)
        elif source == "input":
            spelt = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
            values = rest.pop(0) if rest else named.get(spelt, named.get(name, ()))
            found[name] = plain(values)
    return found


def shared(owner: Resource, request: sdk.Request, child: sdk.Child) -> dict[str, Any]:
    """What the members of a collection have in common with what they are listed of."""
    arguments = requested(owner, request)
    found: dict[str, Any] = {}
    for name, (source, of) in child.identifiers.items():
        if source == "identifier":
            found[name] = owner.identifiers.get(of, UNKNOWN)
        elif source == "requestParameter":
            found[name] = plain(arguments.get(of, ()))
    return found


def answers(owner: Any, method: str) -> bool:
    """Whether one of boto3's objects has a method; anything but a client counts as having it."""
    if not isinstance(owner, Client) or not owner.service or method in sdk.PLAIN_METHODS:
        return True
    known = method.startswith(("get_paginator", "get_waiter", "generate_presigned"))
    return known or bool(sdk.transfer(owner.service, method) or sdk.operation(owner.service, method))
