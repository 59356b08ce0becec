"""The ARNs that a call acts on, as far as its arguments tell.

The patterns are those of the Service Authorization Reference's resource types; what a parameter or the run
decides is a ``*``. In doubt an ARN is wider: a policy made of these has to suffice.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ssmdoc import references
from ssmdoc.analysis import named, reference, sdk
from ssmdoc.analysis.named import VARIABLE, Argument
from ssmdoc.analysis.reference import Action, ActionType
from ssmdoc.analysis.script_values import UNKNOWN
from ssmdoc.wildcards import matches

_ARN = re.compile(r"arn:[^:\s]*:[a-z0-9-]+:[^\s]*\Z")
# Beyond so many kinds of resource an action is one that works on whatever it is given.
_MOST_TYPES = 6
# So many names are spelt out; of more, a policy says "all".
_MOST_NAMES = 20

# What the reference does not call required, though no call goes without it.
_ALWAYS = {
    "ssm:SendCommand": ("instance", "managed-instance"),
    "ec2:RunInstances": ("volume",),
    # EC2 looks up what a volume is attached to.
    "ec2:DetachVolume": ("instance",),
}
# RDS gives its own defaults to what is made without these, and asks for them by name.
_DEFAULTED = {"rds": ("og", "pg", "cluster-pg", "subgrp", "secgrp")}
# Actions that ask for all resources of their type whichever they are given.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
_ALL_OF_TYPE = ("cloudwatch:DescribeAlarms",)
# Services that ask for all resources of a type when a listing names none.
_LISTED = ("rds",)
# What asks for resources of further kinds when instances are launched.
_ELSEWHERE = (
    "AdditionalInfo", "BlockDeviceMappings", "CapacityReservationSpecification",
    "ElasticInferenceAccelerators", "InstanceMarketOptions", "LaunchTemplate", "LaunchTemplateId",
    "LaunchTemplateName", "LicenseSpecifications", "Placement", "SecondaryInterfaces",
)  # fmt: skip
# The ResourceType of Systems Manager's tags.
_TAGGED = {
    "Association": "association", "Automation": "automation-execution", "Document": "document",
    "MaintenanceWindow": "maintenancewindow", "ManagedInstance": "managed-instance", "OpsItem": "opsitem",
    "OpsMetadata": "opsmetadata", "Parameter": "parameter", "PatchBaseline": "patchbaseline",
}  # fmt: skip
# What the identifiers of EC2 begin with.
IDENTIFIERS = {
    "ami": "image", "acl": "network-acl", "dopt": "dhcp-options", "eipalloc": "elastic-ip",
    "eni": "network-interface", "fl": "vpc-flow-log", "i": "instance", "igw": "internet-gateway",
    "key": "key-pair", "lt": "launch-template", "nat": "natgateway", "rtb": "route-table",
    "sg": "security-group", "snap": "snapshot", "subnet": "subnet", "tgw": "transit-gateway",
    "tmf": "traffic-mirror-filter", "tms": "traffic-mirror-session", "tmt": "traffic-mirror-target",
    "vol": "volume", "vpc": "vpc", "vpce": "vpc-endpoint",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document runs."""

    partition: str = "aws"
    region: str = "*"
    account: str = "*"


ANYWHERE = Place()


@dataclass(frozen=True, slots=True)
class Found:
    """The ARNs of a call, and the parameters and outputs that decide the parts that are a ``*``."""

    arns: tuple[str, ...]
    deciders: tuple[str, ...] = ()


@dataclass(slots=True)
class _Search:
    """One action of one call."""

    action: Action
    arguments: Mapping[str, Any]
    place: Place
    operation: str
    open: bool
    deciders: dict[str, None] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return self.action.prefix


def arns(
    action: str, arguments: Mapping[str, Any], place: Place, operation: str = "", open: bool = False
) -> Found:
    """The resources of an action with these arguments; ``*`` where nothing narrower is known.

    `operation` is the one that is called; `open` says that it may be given more arguments than these.
    """
    known = reference.action(action)
    if known is None or not known.resources:
        return Found(("*",))
    search = _Search(known, _acted_on(action, arguments, operation), place, operation or known.name, open)
    if action in _ALL_OF_TYPE:
        # Alarms made of others are only shown to who may see everything.
        search.arguments = {} if "AlarmTypes" not in arguments and not open else arguments
        if search.arguments:
            return Found(("*",))
    found = tuple(dict.fromkeys(_writable(item, place) for item in _searched(search)))
    return Found(found, tuple(search.deciders)) if found and "*" not in found else Found(("*",))


def path_arn(service: str, operation: str, arguments: Mapping[str, Any], place: Place) -> Found:
    """The resource of an operation of API Gateway: the path that it is sent to.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """
    path, names = sdk.request_path(service, operation)
    if not path:
        return Found(("*",))
    deciders: dict[str, None] = {}

    def put(match: re.Match[str]) -> str:
        value = arguments.get(names.get(match.group(1).rstrip("+"), ""), UNKNOWN)
        deciders.update(dict.fromkeys(_deciders(value)))
        text = literal(value, place)
        # An ARN stands in a path with its signs encoded.
        return "*" if ":" in text else text

    shown = re.sub(r"\{([^{}]+)\}", put, path.partition("?")[0].removeprefix("/v2"))
    return Found((f"arn:{place.partition}:apigateway:{place.region}::{shown}",), tuple(deciders))


def literal(value: Any, place: Place) -> str:
    """A value as a policy takes it: what the run decides is a ``*``."""
    if not isinstance(value, str):
        return "*"

    def put(match: re.Match[str]) -> str:
        found = references.parse(match.group(1))
        system = {"REGION": place.region, "ACCOUNT_ID": place.account, "AWS_PARTITION": place.partition}
        return system.get(found.name, "*") if found.kind == "global" else "*"

    return re.sub(r"\*+", "*", references.PATTERN.sub(put, value)) or "*"


def arn(value: Any, pattern: str, place: Place) -> str:
    """An ARN that an argument gives, or what stands for any of the pattern (``${Region}`` and the like)."""
    text = literal(value, place)
    return _writable(text, place) if _ARN.match(text) else every(pattern, place)


def _writable(text: str, place: Place) -> str:
    """An ARN as IAM takes it: with a partition, which is the one that the document runs in, and a service.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    start, partition, service, *_ = [*text.split(":"), "", ""]
    if start != "arn" or service in ("", "*"):
        return "*"
    return text if "*" not in partition else f"arn:{place.partition}:{text.split(':', 2)[2]}"


def every(pattern: str, place: Place) -> str:
    """All resources of a pattern: older ARNs of some types have fewer parts, so it ends at the first name."""
    for match in VARIABLE.finditer(pattern):
        start = pattern[: match.start()]
        # Some patterns have words of their own for the parts that all ARNs have.
        if match.group(1) not in named.EVERYWHERE and start.count(":") >= 5:
            return _placed(f"{start}*", place)
    return _placed(pattern, place)


def bound(patterns: Sequence[str], place: Place) -> str:
    """One ARN for all resources of several patterns: what they have in common."""
    fields = [_placed(pattern, place).split(":", 5) for pattern in patterns]
    return ":".join([*(_same([item[index] for item in fields]) for index in range(5)), "*"])


def _same(values: list[str]) -> str:
    return values[0] if len(set(values)) == 1 else "*"


def _placed(pattern: str, place: Place) -> str:
    fixed = {"Partition": place.partition, "Region": place.region, "Account": place.account}
    return re.sub(r"\*+", "*", VARIABLE.sub(lambda found: fixed.get(found.group(1), "*"), pattern))


def _acted_on(action: str, arguments: Mapping[str, Any], operation: str) -> Mapping[str, Any]:
    """The arguments that are about this action: a copy in S3 reads one object and writes another, and the
    role that a service is linked to has a path of its own."""
    service = arguments.get("AWSServiceName")
    if action == "iam:CreateServiceLinkedRole" and isinstance(service, str):
        return {"RoleName": f"aws-service-role/{service}/*"}
    if action not in ("s3:GetObject", "s3:GetObjectVersion") or "Copy" not in operation:
        return arguments
    source = arguments.get("CopySource", UNKNOWN)
    if isinstance(source, Mapping):
        return source
    bucket, _, key = source.removeprefix("/").partition("/") if isinstance(source, str) else ("", "", "")
    return {"Bucket": bucket or UNKNOWN, "Key": key.partition("?versionId=")[0] or UNKNOWN}


def _searched(search: _Search) -> Iterator[str]:
    types = [(type, reference.arn_patterns(search.prefix, type.name)) for type in search.action.resources]
    if not all(patterns for _, patterns in types):
        yield "*"
        return
    if len(types) > _MOST_TYPES and not _is_told(search):
        yield from _whatever(search, [pattern for _, patterns in types for pattern in patterns])
        return
    found: list[str] = []
    rest: list[str] = []
    for type, patterns in types:
        words = [word for pattern in patterns for word in _named(search, type, pattern)]
        found += words
        if not words and _without_name(search, type):
            rest += [every(pattern, _foreign(search, type.name)) for pattern in patterns]
    if found or any(type.required for type, _ in types) or search.prefix in _LISTED:
        yield from found
        yield from rest


def _is_told(search: _Search) -> bool:
    """Whether the arguments of an action on many kinds of resource tell which of them it is about."""
    if search.action.full_name == "ec2:RunInstances":
        return not search.open and not any(search.arguments.get(name) for name in _ELSEWHERE)
    return search.prefix in _DEFAULTED and search.action.name.startswith(
        ("CreateDB", "ModifyDB", "RestoreDB")
    )


def _without_name(search: _Search, type: ActionType) -> bool:
    """Whether a call acts on resources of a type though it names none."""
    full_name = search.action.full_name
    making = search.operation.startswith(("Create", "Restore"))
    return (
        type.required
        or search.open
        or type.name in _ALWAYS.get(full_name, ())
        or (search.prefix in _LISTED and search.operation.startswith("Describe"))
        or (making and type.name in _DEFAULTED.get(search.prefix, ()))
    )


def _whatever(search: _Search, patterns: list[str]) -> Iterator[str]:
    """The resources of an action that works on many kinds of them."""
    if search.action.full_name in ("ec2:CreateTags", "ec2:DeleteTags"):
        yield from _identified(search, patterns)
        return
    kind = search.arguments.get("ResourceType")
    if search.prefix == "ssm" and isinstance(kind, str) and kind in _TAGGED:
        tagged = reference.arn_patterns("ssm", _TAGGED[kind])
        yield from (every(pattern, search.place) for pattern in tagged)
        return
    for name, value in search.arguments.items():
        if name.lower() in ("resourcearn", "resourcename", "resource", "arn", "resourceid"):
            text = literal(value, search.place)
            if _ARN.match(text):
                yield text
                return
            search.deciders.update(dict.fromkeys(_deciders(value)))
            yield bound(patterns, search.place)
            return
    required = any(type.required for type in search.action.resources)
    yield bound(patterns, search.place) if required or search.action.level == "Tagging" else "*"


def _identified(search: _Search, patterns: list[str]) -> Iterator[str]:
    """The resources that identifiers of EC2 name, of which their beginning tells the type."""
    given = search.arguments.get("Resources", UNKNOWN)
    for value in given if isinstance(given, list) and given else [given]:
        search.deciders.update(dict.fromkeys(_deciders(value)))
        text = literal(value, search.place)
        type = IDENTIFIERS.get(text.partition("-")[0]) if "-" in text else None
        pattern = reference.arn_patterns("ec2", type)[0] if type else None
        if pattern is None:
            yield bound(patterns, search.place)
            continue
        yield _placed(pattern.replace(f"${{{named.own(pattern)[-1]}}}", text), search.place)


def _named(search: _Search, type: ActionType, pattern: str) -> list[str]:
    """The ARNs of a type that the arguments name."""
    found: list[str] = []
    given = list(named.arguments(search.prefix, type, pattern, search.arguments, search.operation))
    if len(given) > _MOST_NAMES:
        given = [Argument(given[0].name, UNKNOWN)]
    for argument in given:
        search.deciders.update(dict.fromkeys(_deciders(argument.value)))
        place = _place(search, type.name, argument)
        text = literal(argument.value, place)
        if _ARN.match(text):
            if _is_of(pattern, text):
                found.append(":".join(text.split(":")[:6]) if search.prefix == "sns" else text)
            elif not _of_other_type(search, text):
                found.append(every(pattern, place))
            continue
        word = _word(search.prefix, type.name.lower(), text) if argument.as_name else "*"
        found += _filled(search, type.name.lower(), pattern, word, place)
    return found


def _of_other_type(search: _Search, text: str) -> bool:
    """Whether an ARN is of another type that the action works on."""
    return any(
        _is_of(pattern, text)
        for type in search.action.resources
        for pattern in reference.arn_patterns(search.prefix, type.name)
    )


def _place(search: _Search, type: str, argument: Argument) -> Place:
    place = _foreign(search, type)
    known = isinstance(argument.value, str) and "*" not in literal(argument.value, ANYWHERE)
    # What is copied from may lie in another Region or be shared by another account.
    if argument.name.lower().startswith("source") and not known:
        return replace(place, region="*", account="*")
    if search.prefix == "ssm" and type in ("document", "automation-definition"):
        # Documents of AWS belong to no account, and a parameter may name one.
        own = known and not argument.value.lower().startswith(("aws", "amazon", "amzn"))
        return search.place if own else place
    if search.prefix == "ssm" and type == "parameter" and str(argument.value).startswith("/aws/"):
        return replace(place, account="*")
    return place


def _foreign(search: _Search, type: str) -> Place:
    """Where resources of a type may lie: not always where the document runs."""
    # Roles that are assumed, and what is an organisation's, are mostly of another account.
    if search.prefix in ("sts", "organizations") or (
        search.prefix == "ssm" and type in ("document", "automation-definition")
    ):
        return replace(search.place, account="*")
    if "GlobalCluster" in search.operation:
        return replace(search.place, region="*")
    return search.place


def _word(prefix: str, type: str, text: str) -> str:
    """The word of an ARN for what an argument says."""
    if prefix == "lambda":
        text = text.rpartition(":function:")[2].removeprefix("function:")
    if "*" in text and ":" in text:
        return "*"
    match (prefix, type):
        case ("sqs", _) | ("route53", _):
            text = text.rpartition("/")[2] or "*"
        case ("ssm", "parameter" | "servicesetting"):
            text = text.removeprefix("/")
        case ("ecs", "task-definition"):
            text = text.partition(":")[0]
        case ("kms", "key") if text.startswith("alias/"):
            # Which key an alias stands for is known when it is used.
            text = "*"
        case ("kms", "alias"):
            text = text.removeprefix("alias/")
        case ("secretsmanager", _) if not text.endswith("*"):
            text += "-??????"
    return text


def _filled(search: _Search, type: str, pattern: str, word: str, place: Place) -> list[str]:
    """A pattern's ARNs with a resource's own word in them."""
    prefix = search.prefix
    if (prefix, type) == ("s3", "object"):
        key = literal(search.arguments.get("Key", UNKNOWN), place)
        return [_put(pattern, {"BucketName": word, "ObjectName": key}, place)]
    own = named.key(prefix, type, pattern)
    if word == "*" and not any(named.beside(prefix, name, search.arguments) for name in named.own(pattern)):
        return [every(pattern, place)]
    words: dict[str, list[str]] = {own: [word]}
    if own.endswith("WithPath") and "/" not in word and "*" not in word and not _made_here(search):
        # The name alone does not tell the path that stands before it.
        words[own].append(f"*/{word}")
    for name in named.own(pattern):
        if name != own:
            value = literal(named.beside(prefix, name, search.arguments), place)
            words[name] = ["*" if ":" in value else _word(prefix, type, value)]
    filled = [
        _put(pattern, dict(zip(words, chosen, strict=True)), place)
        for chosen in itertools.product(*words.values())
    ]
    if (prefix, type) == ("logs", "log-group"):
        # Some operations ask for the group, others for its streams.
        filled += [f"{item}:*" for item in filled if not item.endswith("*")]
    if (prefix, type) == ("lambda", "function") and (search.arguments.get("Qualifier") or search.open):
        filled += [f"{item}:*" for item in filled if not item.endswith("*")]
    if (prefix, type) == ("ssm", "parameter") and "Path" in search.arguments:
        filled += [f"{item.rstrip('/')}/*" for item in filled if not item.endswith("*")]
    return filled


def _made_here(search: _Search) -> bool:
    return search.operation.startswith("Create") and not search.arguments.get("Path") and not search.open


def _put(pattern: str, words: Mapping[str, str], place: Place) -> str:
    fixed = {"Partition": place.partition, "Region": place.region, "Account": place.account, **words}
    filled = ""
    for index, part in enumerate(VARIABLE.split(pattern)):
        word = fixed.get(part, "*") if index % 2 else part
        # Some identifiers are given with what stands before them in the ARN, as in p-abc.
        stem = re.split(r"[:/]", filled)[-1]
        filled += word.removeprefix(stem) if index % 2 and stem else word
    return re.sub(r"\*+", "*", filled)


def _is_of(pattern: str, text: str) -> bool:
    """Whether an ARN is one of a pattern's."""
    return matches(VARIABLE.sub("*", pattern), text)


def _deciders(value: Any) -> list[str]:
    if value is UNKNOWN:
        return []
    return [item.expression for item in references.find(value)]
