"""Values to start a document with: what is given, else a default, else something that exists or fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.automation import calls as api_calls
from sandbox.automation.outcomes import StepFailed
from sandbox.fixtures.generation import pattern
from sandbox.fixtures.generation.words import digest
from sandbox.fixtures.model import folded
from sandbox.trial.kinds import Kind, kind_of
from sandbox.trial.world import World
from ssmdoc import Document, Parameter, parameters, references

_WORDS: tuple[tuple[str, str], ...] = (
    ("instancetype", "t3.micro"),
    ("instanceclass", "db.t3.medium"),
    ("region", "us-east-1"),
    ("availabilityzone", "us-east-1a"),
    ("email", "trial@example.com"),
    ("device", "/dev/sdf"),
    ("cidr", "10.0.0.0/16"),
    ("url", "https://trial.example.com/"),
    ("port", "443"),
    ("acknowledg", "Yes"),
    ("consent", "Yes"),
    ("database", "trial"),
    ("duration", "PT1M"),
    ("backtrackto", "2026-01-01T00:00:00Z"),
    ("restoretime", "2026-01-01T00:00:00Z"),
    ("restoretotime", "2026-01-01T00:00:00Z"),
    ("datetime", "2026-01-01T00:00:00Z"),
    ("burst", "10"),
    ("limit", "10"),
    ("threshold", "10"),
    ("capacity", "2"),
    ("size", "10"),
    ("minutes", "1"),
    ("seconds", "60"),
    ("rate", "1"),
    ("number", "1"),
    ("count", "1"),
    ("timeout", "60"),
    ("platform", "Linux"),
    ("command", "true"),
    ("tagkey", "Trial"),
    ("tagvalue", "true"),
)
_ROLES = re.compile(r"arn:[^\s\"]*:role/(?:[\w+=,.@-]+/)*([\w+=,.@-]+)(?=[\"\s\\])")
_ROLE = re.compile(r":role/(?:[\w+=,.@-]+/)*([\w+=,.@-]+)$")
_PLAIN = ("trial", "true", "Yes", "1", "10", "/trial/")


@dataclass
class Choice:
    """The values to start with, in the wire's form, and why a parameter has none."""

    values: dict[str, list[str]] = field(default_factory=dict)
    unfit: dict[str, str] = field(default_factory=dict)


def choose(
    document: Document, world: World, given: Mapping[str, Any], *, caller_arn: str, seed: int = 0
) -> Choice:
    """Values of the document's parameters, the world made so that they name what exists."""
    chooser = _Chooser(document, world, caller_arn, seed)
    choice = Choice()
    for name, parameter in document.parameters.items():
        if name in given:
            value = given[name]
            chooser.make_named(parameter, value)
        elif not parameter.required and name != document.assume_role_parameter:
            # Scripts have no credentials without a role, and the role of a default is seldom there.
            chooser.make_ready(parameter)
            continue
        else:
            value = chooser.value(parameter)
        if value is None:
            choice.unfit[name] = "no value was found that fits it; give one with --parameters."
            continue
        wire, errors = parameters.validate(document, {name: value})
        if name in errors:
            choice.unfit[name] = errors[name]
        choice.values.update(wire)
    return choice


def prepare(document: Document, world: World) -> None:
    """Make what the document names itself: roles by their ARNs, and parameters of Parameter Store."""
    text = json.dumps(dict(document.data), default=str)
    world.windows |= any(
        str(value).lower() == "windows"
        for step in document.walk()
        if isinstance(desired := step.inputs.get("DesiredValues"), list)
        for value in desired
    )
    if "CreateRole" not in text and "create_role" not in text:
        for name in sorted(set(_ROLES.findall(text))):
            world.thing("role", name)
    for parameter in document.parameters.values():
        for found in references.find(parameter.default):
            if found.kind == "ssm":
                world.thing("parameter", found.name)


class _Chooser:
    def __init__(self, document: Document, world: World, caller_arn: str, seed: int) -> None:
        self._document = document
        self._world = world
        self._caller_arn = caller_arn
        self._seed = seed
        self._creates_roles = "CreateRole" in str(document.data)

    def make_ready(self, parameter: Parameter) -> None:
        """Make what a default names where nobody would do without it: a role that is to be assumed."""
        kind = kind_of(self._document, parameter)
        default = parameter.default
        if kind is None or kind.thing != "role" or not isinstance(default, str) or self._creates_roles:
            return
        if default and "{{" not in default and "arn:" not in default:
            self._world.thing("role", default)

    def make_named(self, parameter: Parameter, value: Any) -> None:
        """Make what a given value names, where it can be made by that name."""
        kind = kind_of(self._document, parameter)
        if kind is None:
            return
        for name in value if isinstance(value, list) else [value]:
            if kind.thing == "role" and (own := _ROLE.search(str(name))):
                self._world.thing("role", own[1])
            elif kind.facet == "name" and "arn:" not in str(name):
                self._world.thing(kind.thing, str(name))

    def value(self, parameter: Parameter) -> Any:
        """A value that the parameter takes, None when none is found."""
        many = parameters.base_type(parameter.type) in ("StringList", "MapList")
        for candidate in self._candidates(parameter):
            value = [candidate] if many and not isinstance(candidate, list) else candidate
            if value is not None and not self._fault(parameter, value):
                return value
        return None

    def _fault(self, parameter: Parameter, value: Any) -> str:
        """A sentence for why the parameter does not take a value, empty when it does."""
        return parameters.validate(self._document, {parameter.name: value})[1].get(parameter.name, "")

    def _candidates(self, parameter: Parameter) -> Iterator[Any]:
        if parameter.allowed_values:
            yield from (value for value in parameter.allowed_values if value not in ("", None))
            return
        kind = kind_of(self._document, parameter)
        if kind is not None:
            yield self._thing(kind, parameter)
        match parameters.base_type(parameter.type):
            case "Integer":
                yield self._least(parameter.name)
                yield from (
                    value for value in (parameter.min_value, 1, parameter.max_value) if value is not None
                )
                yield self._matching(parameter)
            case "Boolean":
                yield from (True, False)
            case "StringMap":
                yield from ({"Trial": "true"}, self._matching(parameter))
            case "MapList":
                yield from ({"Key": "Trial", "Value": "true"}, {"Name": "Trial"})
            case _:
                yield from self._texts(parameter)

    def _least(self, name: str) -> int | None:
        """The smallest number that an API takes which a step hands the parameter to."""
        for step in self._document.walk():
            service, api = step.inputs.get("Service"), step.inputs.get("Api")
            for member, value in step.inputs.items() if service and api else ():
                whole = references.whole(value)
                if whole is not None and whole.kind == "parameter" and whole.name == name:
                    try:
                        shape = api_calls.operation(
                            api_calls.service_name(str(service)), str(api)
                        ).input_shape
                    except StepFailed:
                        continue
                    found = getattr(shape, "members", {}).get(member)
                    return int(found.metadata["min"]) if found and "min" in found.metadata else None
        return None

    def _texts(self, parameter: Parameter) -> Iterator[str | None]:
        name = folded(parameter.name)
        yield from (value for word, value in _WORDS if word in name)
        if parameter.allowed_pattern is None:
            yield self._length(f"trial-{name}"[:60], parameter)
        if parameter.allowed_pattern is not None and "/" not in parameter.allowed_pattern:
            # Of a plain name's pattern a word that can be read is the better value.
            yield from (f"trial-{name}", *_PLAIN)
        yield self._matching(parameter)
        yield from _PLAIN

    def _matching(self, parameter: Parameter) -> str | None:
        if parameter.allowed_pattern is None:
            return None
        return pattern.matching(
            parameter.allowed_pattern,
            self._seed,
            least=parameter.min_chars or 0,
            most=parameter.max_chars or 512,
        )

    @staticmethod
    def _length(text: str, parameter: Parameter) -> str:
        least, most = parameter.min_chars or 0, parameter.max_chars or 512
        return text.ljust(least, "x")[:most]

    def _thing(self, kind: Kind, parameter: Parameter) -> Any:
        world = self._world
        if kind.thing in ("account", "approver", "stage", "finding"):
            return self._word(kind.thing, parameter)
        # What a document does to a role that it is given should not be done to its own.
        other = kind.thing == "role" and parameter.name != self._document.assume_role_parameter
        found = world.thing(kind.thing, "TrialRole" if other else "")
        if found is None:
            return None
        value = found.facet(kind.facet)
        if kind.thing == "role" and kind.facet == "arn" and self._fault(parameter, [value]):
            name = (self._matching(parameter) or "").rpartition(":role/")[2].rpartition("/")[2]
            own = world.thing("role", name) if name else None
            return own.arn if own else None
        if self._fault(parameter, [value]) and parameter.allowed_pattern and kind.facet == "name":
            # The name may be one's own where the pattern is about names.
            wished = self._matching(parameter)
            named = world.thing(kind.thing, wished) if wished and "arn:" not in wished else None
            return named.facet(kind.facet) if named else value
        for facet in ("id", "name", "arn", "url"):
            if not self._fault(parameter, [value]):
                break
            value = found.facet(facet)
        return value

    def _word(self, thing: str, parameter: Parameter) -> Any:
        if thing == "finding":
            return self._finding(parameter)
        if thing == "stage":
            self._world.thing("http-api")
        return {"account": self._world.account_id, "approver": self._caller_arn, "stage": "trial"}[thing]

    def _finding(self, parameter: Parameter) -> dict[str, Any]:
        """A finding of Security Hub's, about a resource such as the document's scripts look for.

        https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
        """
        world = self._world
        beside = list(self._beside(parameter.name))
        controls = [
            item for each in beside if isinstance(each, list) for item in each if isinstance(item, str)
        ]
        patterns = [each for each in beside if isinstance(each, str) and each.startswith("^")]
        unique = digest(self._seed, world.account_id, "finding", length=32)
        number = "-".join((unique[:8], unique[8:12], unique[12:16], unique[16:20], unique[20:]))
        control = controls[0] if controls else "Trial.1"
        resource = self._resource(patterns[0]) if patterns else self._controlled(control)
        hub = f"arn:{world.partition}:securityhub:{world.region}"
        # No more than documents read: a parameter takes 512 characters.
        return {
            "Id": f"{hub}:{world.account_id}:security-control/{control}/finding/{number}",
            "ProductArn": f"{hub}::product/aws/securityhub",
            "AwsAccountId": world.account_id,
            "ProductFields": {},
            "Resources": [{"Type": "Other", "Id": resource, "Region": world.region}],
        }

    def _controlled(self, control: str) -> str:
        """What a control of Security Hub's is about, told by its service: `RDS.8`."""
        service = control.removeprefix("PCI.").partition(".")[0].lower()
        if service == "ssm":
            return self._world.account_id
        found = self._world.thing(_BY_CONTROL.get(service, ""))
        return found.facet("arn") if found else f"AWS::::Account:{self._world.account_id}"

    def _beside(self, parameter: str) -> Iterator[Any]:
        """What stands beside a parameter in the input of scripts."""
        for step in self._document.walk():
            payload = step.inputs.get("InputPayload")
            if isinstance(payload, dict) and any(
                found.kind == "parameter" and found.name == parameter for found in references.find(payload)
            ):
                yield from payload.values()

    def _resource(self, wanted: str) -> str:
        """The ARN or id of something that matches a pattern: of what exists, if it can be told what."""
        for name, thing in _TOLD_BY:
            if name in wanted:
                own = name == "sg-" and "DefaultSecurityGroup" in str(self._document.data)
                found = self._world.thing("default-security-group" if own else thing)
                for facet in ("arn", "id", "name") if found else ():
                    value = found.facet(facet) if found else ""
                    if pattern.fits(wanted, value):
                        return value
        return pattern.matching(wanted, self._seed) or f"AWS::::Account:{self._world.account_id}"


# Which word in the pattern of an ARN or id tells of what it is.
_TOLD_BY = (
    ("s3:::", "bucket"),
    ("sns:", "topic"),
    ("sqs:", "queue"),
    ("lambda:", "function"),
    ("cluster-snapshot", "db-cluster-snapshot"),
    (":snapshot:", "db-snapshot"),
    ("rds:", "db-instance"),
    ("rds:", "db-cluster"),
    ("redshift:", "redshift-cluster"),
    ("dynamodb:", "table"),
    ("secretsmanager:", "secret"),
    ("kms:", "key"),
    ("cloudtrail:", "trail"),
    ("ecr:", "repository"),
    ("codebuild:", "build-project"),
    ("autoscaling:", "auto-scaling-group"),
    ("elasticache:", "replication-group"),
    ("elasticache:", "cache-cluster"),
    ("ecs:", "ecs-task-definition"),
    ("cloudfront:", "distribution"),
    ("snap-", "snapshot"),
    ("sg-", "security-group"),
    ("vpc-", "vpc"),
    ("subnet-", "subnet"),
    ("i-", "instance"),
)

_BY_CONTROL = {
    "rds": "db-instance",
    "s3": "bucket",
    "secretsmanager": "secret",
    "lambda": "function",
    "sns": "topic",
    "sqs": "queue",
    "dynamodb": "table",
    "redshift": "redshift-cluster",
    "cloudtrail": "trail",
    "ec2": "instance",
    "kms": "key",
    "elasticache": "replication-group",
}
