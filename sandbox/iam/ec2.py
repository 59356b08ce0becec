"""What EC2 calls act on: RunInstances needs many things at once, tags need a permission of their own.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.calls import Call
from sandbox.iam.actions import iam_action
from sandbox.iam.checks import Check
from sandbox.iam.resources import arn_base, strings, unknown_resource
from sandbox.identity import Principal

Context = dict[str, str | Sequence[str]]

_KINDS_BY_PARAMETER = {
    "InstanceId": "instance",
    "InstanceIds": "instance",
    "VolumeId": "volume",
    "VolumeIds": "volume",
    "SnapshotId": "snapshot",
    "SnapshotIds": "snapshot",
    "ImageId": "image",
    "SourceImageId": "image",
    "SubnetId": "subnet",
    "SubnetIds": "subnet",
    "VpcId": "vpc",
    "GroupId": "security-group",
    "NetworkInterfaceId": "network-interface",
    "RouteTableId": "route-table",
    "InternetGatewayId": "internet-gateway",
    "NatGatewayId": "natgateway",
    "NetworkAclId": "network-acl",
    "AllocationId": "elastic-ip",
    "LaunchTemplateId": "launch-template",
    "KeyName": "key-pair",
    "VpcEndpointIds": "vpc-endpoint",
}
_KINDS_BY_ID = {
    "i": "instance",
    "vol": "volume",
    "snap": "snapshot",
    "ami": "image",
    "subnet": "subnet",
    "vpc": "vpc",
    "sg": "security-group",
    "eni": "network-interface",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "acl": "network-acl",
    "eipalloc": "elastic-ip",
    "lt": "launch-template",
    "key": "key-pair",
    "vpce": "vpc-endpoint",
}
_WITHOUT_ACCOUNT = frozenset(("image", "snapshot"))
_CREATED = {
    "CreateImage": "image",
    "CopyImage": "image",
    "CreateKeyPair": "key-pair",
    "ImportKeyPair": "key-pair",
    "CreateLaunchTemplate": "launch-template",
    "CreateNetworkInterface": "network-interface",
    "CreateSecurityGroup": "security-group",
    "CreateSnapshot": "snapshot",
    "CopySnapshot": "snapshot",
    "CreateSubnet": "subnet",
    "CreateVolume": "volume",
    "CreateVpc": "vpc",
    "CreateRouteTable": "route-table",
    "CreateInternetGateway": "internet-gateway",
    "AllocateAddress": "elastic-ip",
}


def checks(call: Call, principal: Principal) -> list[Check]:
    """The checks of an EC2 call, what it makes first, then what it uses, then the tags it sets."""
    action = iam_action(call)
    if call.operation.startswith("Describe"):
        return [Check(action, ("*",), _region_context(call))]
    if call.operation == "RunInstances":
        found = list(_run_instances(call, principal))
    elif call.operation in ("CreateTags", "DeleteTags"):
        found = [
            Check(
                action,
                (_arn(call, principal, _kind_of(r), r),),
                _tag_request(call, call.params.get("Tags") or []),
            )
            for r in strings(call.params.get("Resources"))
        ]
    else:
        found = list(_acted_on(call, principal))
    return found or [Check(action, (unknown_resource(call, principal),), _region_context(call))]


def _run_instances(call: Call, principal: Principal) -> Iterator[Check]:
    action = iam_action(call)
    params = call.params
    instance = {
        "ec2:InstanceType": params.get("InstanceType") or "m1.small",
        "ec2:Tenancy": (params.get("Placement") or {}).get("Tenancy") or "default",
        "ec2:EbsOptimized": str(params.get("EbsOptimized") or False).lower(),
        "ec2:InstanceMarketType": (params.get("InstanceMarketOptions") or {}).get("MarketType")
        or "on-demand",
    }
    profile = params.get("IamInstanceProfile") or {}
    if profile.get("Arn"):
        instance["ec2:InstanceProfile"] = profile["Arn"]
    yield _made(call, principal, "instance", instance)
    yield Check(
        action,
        (_arn(call, principal, "image", params.get("ImageId") or "*"),),
        _existing(call, principal, params.get("ImageId")),
    )
    interfaces = params.get("NetworkInterfaces") or [{}]
    for interface in interfaces:
        subnet = interface.get("SubnetId") or params.get("SubnetId") or "*"
        yield Check(action, (_arn(call, principal, "subnet", subnet),), _existing(call, principal, subnet))
        for group in [*(interface.get("Groups") or []), *(params.get("SecurityGroupIds") or [])] or ["*"]:
            yield Check(
                action, (_arn(call, principal, "security-group", group),), _existing(call, principal, group)
            )
        yield _made(call, principal, "network-interface", {})
    yield _made(call, principal, "volume", {})
    if params.get("KeyName"):
        yield Check(action, (_arn(call, principal, "key-pair", params["KeyName"]),), _region_context(call))
    template = params.get("LaunchTemplate") or {}
    if template:
        yield Check(
            action,
            (_arn(call, principal, "launch-template", template.get("LaunchTemplateId") or "*"),),
            _region_context(call),
        )
    yield from _tags_on_creation(call, principal)
    role = _role_of_profile(principal, profile)
    if role is not None:
        yield Check("iam:PassRole", (role,), {"iam:PassedToService": "ec2.amazonaws.com"})


def _acted_on(call: Call, principal: Principal) -> Iterator[Check]:
    action = iam_action(call)
    made = _CREATED.get(call.operation)
    if made is not None:
        yield _made(call, principal, made, {})
    for name, kind in _KINDS_BY_PARAMETER.items():
        for identifier in strings(call.params.get(name)):
            yield Check(
                action, (_arn(call, principal, kind, identifier),), _existing(call, principal, identifier)
            )
    yield from _tags_on_creation(call, principal)
    if call.operation in ("AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation"):
        role = _role_of_profile(principal, call.params.get("IamInstanceProfile") or {})
        if role is not None:
            yield Check("iam:PassRole", (role,), {"iam:PassedToService": "ec2.amazonaws.com"})


def _tags_on_creation(call: Call, principal: Principal) -> Iterator[Check]:
    for specification in call.params.get("TagSpecifications") or []:
        tags = specification.get("Tags") or []
        kind = specification.get("ResourceType") or _CREATED.get(call.operation, "*")
        if tags:
            context = {**_tag_request(call, tags), "ec2:CreateAction": call.operation}
            yield Check("ec2:CreateTags", (_arn(call, principal, kind, "*"),), context)


def _made(call: Call, principal: Principal, kind: str, context: Mapping[str, str]) -> Check:
    tags = [
        tag
        for specification in call.params.get("TagSpecifications") or []
        if (specification.get("ResourceType") or kind) == kind
        for tag in specification.get("Tags") or []
    ]
    return Check(
        iam_action(call), (_arn(call, principal, kind, "*"),), {**context, **_tag_request(call, tags)}
    )


def _arn(call: Call, principal: Principal, kind: str, identifier: str) -> str:
    parts = arn_base(call, principal)
    account = "" if kind in _WITHOUT_ACCOUNT else parts["account"]
    return f"arn:{parts['partition']}:ec2:{parts['region']}:{account}:{kind}/{identifier}"


def _kind_of(identifier: str) -> str:
    return _KINDS_BY_ID.get(identifier.rpartition("-")[0], "*")


def _region_context(call: Call) -> Context:
    return {"ec2:Region": call.region}


def _tag_request(call: Call, tags: Sequence[Mapping[str, Any]]) -> Context:
    context = _region_context(call)
    if tags:
        context["aws:TagKeys"] = [tag.get("Key", "") for tag in tags]
        context.update({f"aws:RequestTag/{tag.get('Key', '')}": tag.get("Value") or "" for tag in tags})
    return context


def _existing(call: Call, principal: Principal, identifier: str | None) -> Context:
    """The context of something that exists: its tags, and an instance's type."""
    from moto.ec2.models import ec2_backends

    context = _region_context(call)
    if not identifier or identifier == "*":
        return context
    backend = ec2_backends[principal.account_id][call.region]
    for key, value in backend.tags.get(identifier, {}).items():
        context[f"aws:ResourceTag/{key}"] = value
        context[f"ec2:ResourceTag/{key}"] = value
    instance = backend.get_instance_by_id(identifier) if identifier.startswith("i-") else None
    if instance is not None:
        context["ec2:InstanceType"] = instance.instance_type
    return context


def _role_of_profile(principal: Principal, profile: Mapping[str, str]) -> str | None:
    """The role that an instance profile hands to EC2; a profile that is not known hands any."""
    if not profile:
        return None
    from moto.iam.models import iam_backends

    backend = iam_backends[principal.account_id][principal.partition]
    for candidate in list(backend.instance_profiles.values()):
        if candidate.arn == profile.get("Arn") or candidate.name == profile.get("Name"):
            return candidate.roles[0].arn if candidate.roles else None
    return f"arn:{principal.partition}:iam::{principal.account_id}:role/*"
