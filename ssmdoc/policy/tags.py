"""The rule that whatever a document creates is tagged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ssmdoc import tagging
from ssmdoc.document import Parsed
from ssmdoc.findings import Finding
from ssmdoc.model import Document
from ssmdoc.policy.rule import Rule, each
from ssmdoc.suggestions import listed


def _tag_name(name: str) -> str:
    # https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
    if len(name) > 128 or name.lower().startswith("aws:"):
        return f"{name[:40]} cannot be a tag's key: at most 128 characters, not starting with aws:."
    return ""


def _require(parsed: Parsed, document: Document, setting: Any) -> Iterator[Finding]:
    ways = tagging.Ways(document)
    for step in document.walk():
        created = tagging.creation(step)
        wanting = ways.missing(created, setting) if created else []
        if created is None or not wanting:
            continue
        tags = f"the tag{'s' if len(wanting) > 1 else ''} {listed(wanting)}"
        message = f'Step "{step.name}" creates {created.what} without {tags}, which the policy requires.'
        if created.opaque:
            message = (
                f'Step "{step.name}" creates {created.what} with tags that a reference gives: '
                f"{tags}, which the policy requires, may not be among them."
            )
        given = created.member and created.member in step.inputs
        yield parsed.finding(
            "policy-required-tags",
            "error",
            message,
            (*step.path, "inputs", created.member) if given else (*step.path, "name"),
            hint=_hint(parsed.format, created, wanting),
            at_key=bool(given),
        )


def _hint(format: str, created: tagging.Creation, wanting: list[str]) -> str:
    if format == "JSON":
        tags = "[" + ", ".join(f'{{"Key": "{key}", "Value": "…"}}' for key in wanting) + "]"
        specification = f'"TagSpecifications": [{{"ResourceType": "instance", "Tags": {tags}}}]'
    else:
        tags = "[" + ", ".join(f"{{Key: {key}, Value: …}}" for key in wanting) + "]"
        specification = f"TagSpecifications: [{{ResourceType: instance, Tags: {tags}}}]"
    if created.step.action == "aws:runInstances":
        return f"Add to the step's inputs: {specification}."
    if created.step.action == "aws:createStack":
        name = '"Tags"' if format == "JSON" else "Tags"
        return f"Add to the step's inputs: {name}: {tags}."
    if not created.member:
        image = f"{{{{ {created.step.name}.ImageId }}}}"
        return f"Follow it with an aws:createTags step on {image} with the tags {tags}."
    return f"Give {created.member} in the step's inputs, with the keys {listed(wanting)}."


RULES = (
    Rule(
        "required_tags",
        lambda setting: each(setting, _tag_name),
        lambda keys: f"Whatever a document creates must be tagged with {listed(keys)}.",
        _require,
    ),
)
