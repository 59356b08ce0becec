"""Which steps create resources that carry tags, and which tags those resources surely get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssmdoc import apis, graph, references
from ssmdoc.model import Document, Step

_CREATES = re.compile(r"(?:Create|Run|Copy|Allocate|Import|Restore|Register|Request|Provision|Purchase)[A-Z]")
_TAGS = re.compile(r"(?:CreateTags|CreateOrUpdateTags|AddTags|Tag[A-Z]|Put\w*Tagging)")
_TAG_MEMBERS = (
    "TagSpecifications",
    "Tags",
    "TagList",
    "tags",
    "TagSpecification",
    "tagSpecifications",
    "tagList",
)
_KEYS = ("Key", "key", "TagKey", "tagKey")


@dataclass(frozen=True, slots=True)
class Creation:
    """A step that creates something taggable.

    `what` names it for a sentence, `member` is the input that tags it at creation (empty when the action has
    none), `tags` are the literal keys given there, and `opaque` is true when a reference gives some of them,
    so that nobody can tell which.
    """

    step: Step
    what: str
    member: str
    tags: frozenset[str]
    opaque: bool


def creation(step: Step) -> Creation | None:
    """What a step creates, or None."""
    if step.action == "aws:runInstances":
        return _created(step, "an instance", "TagSpecifications", resource="instance")
    if step.action == "aws:createStack":
        return _created(step, "a stack", "Tags")
    if step.action in ("aws:createImage", "aws:copyImage"):
        return Creation(step, "an image", "", frozenset(), False)
    if step.action == "aws:executeAwsApi":
        return _api_creation(step)
    return None


def _created(step: Step, what: str, member: str, resource: str = "") -> Creation:
    keys, opaque = _tag_keys(step.inputs.get(member), resource)
    return Creation(step, what, member, keys, opaque)


def _api_creation(step: Step) -> Creation | None:
    service_name, api = step.inputs.get("Service"), step.inputs.get("Api")
    if not isinstance(service_name, str) or not isinstance(api, str):
        return None
    service = apis.service(service_name)
    operation = service.operation(api) if service else None
    if (
        service is None
        or operation is None
        or not _CREATES.match(operation.name)
        or _TAGS.match(operation.name)
    ):
        return None
    member = next((name for name in _TAG_MEMBERS if name in operation.members), None)
    if member is None:
        return None
    resource = "instance" if (service.name, operation.name) == ("ec2", "RunInstances") else ""
    return _created(step, f"a resource by {service.name} {operation.name}", member, resource)


def _tag_keys(value: Any, resource: str = "") -> tuple[frozenset[str], bool]:
    """The literal keys of tags in any of AWS's notations, and whether references hide some."""
    if isinstance(value, str):
        return frozenset(), references.whole(value) is not None
    if isinstance(value, Mapping):
        return frozenset(key for key in value if isinstance(key, str)), False
    keys: set[str] = set()
    opaque = False
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, Mapping):
            opaque = opaque or references.whole(item) is not None
            continue
        inner = item.get("Tags", item.get("tags"))
        if inner is not None:
            if resource and item.get("ResourceType", item.get("resourceType")) != resource:
                continue
            found, hidden = _tag_keys(inner)
            keys |= found
            opaque = opaque or hidden
            continue
        key = next((item[name] for name in _KEYS if name in item), None)
        if isinstance(key, str) and "{{" not in key:
            keys.add(key)
        elif key is not None:
            opaque = True
    return frozenset(keys), opaque


def _tags_later(step: Step, created: Step) -> frozenset[str]:
    """The keys with which `step` tags what `created` made."""
    if step.action == "aws:createTags":
        targets = step.inputs.get("ResourceIds")
    elif step.action == "aws:executeAwsApi" and _TAGS.match(str(step.inputs.get("Api", ""))):
        targets = {name: value for name, value in step.inputs.items() if name not in _TAG_MEMBERS}
    else:
        return frozenset()
    if not any(found.kind == "output" and found.name == created.name for found in references.find(targets)):
        return frozenset()
    keys: frozenset[str] = frozenset()
    for member in _TAG_MEMBERS:
        keys |= _tag_keys(step.inputs.get(member))[0]
    return keys


class Ways:
    """The successful ways through a document, along which later steps may tag what earlier ones created."""

    def __init__(self, document: Document) -> None:
        self._steps: dict[str, Step] = {}
        for step in document.walk():
            self._steps.setdefault(step.name, step)
        self._next: dict[str, list[Step]] = {}
        for edge in graph.build(document).edges:
            if edge.kind in ("next", "branch", "loop"):
                self._next.setdefault(edge.source, []).append(self._steps[edge.target])

    def missing(self, creation: Creation, required: list[str]) -> list[str]:
        """The required keys that what is created does not get on every way to a successful end."""
        return [key for key in required if key not in creation.tags and self._escapes(creation.step, key)]

    def _may_end(self, step: Step) -> bool:
        no_default = step.action == "aws:branch" and not step.inputs.get("Default")
        return step.name not in self._next or bool(no_default and step.is_end)

    def _escapes(self, created: Step, key: str) -> bool:
        """Whether the run can succeed without any later step giving this key to what `created` made."""
        seen = {created.name}
        pending = [created]
        while pending:
            step = pending.pop()
            if self._may_end(step):
                return True
            for following in self._next[step.name]:
                if following.name not in seen and key not in _tags_later(following, created):
                    seen.add(following.name)
                    pending.append(following)
        return False
