"""Templates of CloudFormation: where they are read from, and what is refused of them before a stack is made.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from moto.cloudformation import parsing
from moto.cloudformation.utils import yaml_tag_constructor
from moto.sns.models import sns_backends

from sandbox import objects
from sandbox.authorization import assume_role_as_service
from sandbox.errors import AccessDenied, AwsError
from sandbox.identity import Principal

MOST_BODY_BYTES = 51_200
MOST_OBJECT_BYTES = 1_048_576
MOST_POLICY_BYTES = 16_384
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html#capabilities
_IAM_NAMES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
_OWN_TRANSFORMS = frozenset(("AWS::LanguageExtensions",))
_WITHOUT_EFFECT = frozenset(("AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"))
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")


class TemplateLoader(yaml.SafeLoader):
    """Reads YAML with CloudFormation's short forms (`!Ref`), and builds nothing but plain data.

    Aliases are refused, as in AWS: a short text of them stands for more than any machine can hold.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("YAML aliases are not allowed in CloudFormation templates.")
        return super().compose_node(parent, index)


TemplateLoader.add_multi_constructor("!", yaml_tag_constructor)


def refused(message: str) -> AwsError:
    """The ValidationError with which CloudFormation refuses a request."""
    return AwsError("ValidationError", message)


def template_of(params: Mapping[str, Any]) -> str:
    """The text of the template that a request gives. Errors: AwsError."""
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    if bool(body) == bool(url):
        raise refused(
            "Template body and template URL can not be used together."
            if body
            else "Either Template URL or Template Body must be specified."
        )
    if body and len(body.encode()) > MOST_BODY_BYTES:
        raise refused(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MOST_BODY_BYTES}"
        )
    return str(body) if body else text_at(str(url), "TemplateURL")


def policy_of(params: Mapping[str, Any]) -> str | None:
    """The stack policy that a request gives, or None. Errors: AwsError."""
    body, url = params.get("StackPolicyBody"), params.get("StackPolicyURL")
    if body and url:
        raise refused("You cannot specify both StackPolicyURL and StackPolicyBody")
    text = text_at(str(url), "StackPolicyURL") if url else body
    if text is None:
        return None
    if len(text.encode()) > MOST_POLICY_BYTES:
        raise refused(f"A stack policy may have {MOST_POLICY_BYTES} bytes at most.")
    try:
        json.loads(text)
    except ValueError as error:
        raise refused("Error validating stack policy: Invalid stack policy") from error
    return str(text)


def text_at(url: str, parameter: str) -> str:
    """The object at an S3 URL, in any of S3's forms or this sandbox's own, read as the caller may.

    Errors: AwsError when the URL names no object, or the caller may not read it.
    """
    try:
        found = objects.read(url)
    except AccessDenied as error:
        raise refused("S3 error: Access Denied") from error
    except objects.NoSuchObject as error:
        if not all(objects.bucket_and_key(url)):
            raise refused(f"{parameter} must be a supported URL.") from error
        raise refused("S3 error: The specified bucket or key does not exist.") from error
    if len(found) > MOST_OBJECT_BYTES:
        raise refused(f"{parameter} may not exceed {MOST_OBJECT_BYTES} bytes in size.")
    try:
        return found.decode()
    except UnicodeDecodeError as error:
        raise refused("Template format error: the object is no text in UTF-8.") from error


def check_request(text: str, params: Mapping[str, Any], principal: Principal) -> None:
    """Raise AwsError for what CloudFormation refuses of a template and the parameters beside it."""
    template = _parsed(text)
    _check_parameters(template, params)
    _check_capabilities(template, params)
    _check_resource_types(template, params)
    if params.get("RoleARN"):
        check_role(params["RoleARN"], principal)
    for topic in params.get("NotificationARNs") or []:
        account_id, region = ([*topic.split(":"), *[""] * 6])[4], ([*topic.split(":"), *[""] * 6])[3]
        if topic not in sns_backends[account_id or principal.account_id][region or "us-east-1"].topics:
            raise refused(f"Invalid NotificationARN: the topic {topic} does not exist.")


def check_role(role_arn: str, principal: Principal) -> None:
    """Raise AwsError unless CloudFormation may assume the role."""
    try:
        assume_role_as_service(
            role_arn,
            service="cloudformation.amazonaws.com",
            session_name="AWSCloudFormation",
            source_account=principal.account_id,
            source_arn=f"arn:{principal.partition}:cloudformation:*:{principal.account_id}:stack/*",
        )
    except AccessDenied as error:
        raise refused(f"Role {role_arn} is invalid or cannot be assumed") from error


def check_emulated(template: Mapping[str, Any]) -> None:
    """Raise AwsError for the first resource that moto would pass over as if it had made it."""
    for logical_id, resource in template["Resources"].items():
        kind = resource["Type"]
        known = kind in _WITHOUT_EFFECT or kind in parsing.NULL_MODELS or kind in parsing.get_model_map()
        if kind.startswith(_CUSTOM) or not known:
            raise refused(f"The sandbox does not emulate the resource type {kind} (resource {logical_id}).")


def _parsed(text: str) -> dict[str, Any]:
    try:
        template = yaml.load(text, Loader=TemplateLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise refused(f"Template format error: the text is neither JSON nor YAML. {error}") from error
    if not isinstance(template, dict):
        raise refused("Template format error: unsupported structure.")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise refused("Template format error: At least one Resources member must be defined.")
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise refused(
                f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a "
                "Type member."
            )
    return template


def _check_parameters(template: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    declared = template.get("Parameters") or {}
    given = {each["ParameterKey"]: each.get("ParameterValue") for each in params.get("Parameters") or []}
    strange = [name for name in given if name not in declared]
    if strange:
        raise refused(f"Parameters: [{', '.join(strange)}] do not exist in the template")
    missing = [
        name
        for name, definition in declared.items()
        if given.get(name) is None and (definition or {}).get("Default") is None
    ]
    if missing:
        raise refused(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in given.items():
        allowed = declared[name].get("AllowedValues")
        if allowed and value not in [str(each) for each in allowed]:
            raise refused(f"Parameter '{name}' must be one of AllowedValues")


def _check_capabilities(template: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    given = set(params.get("Capabilities") or [])
    kinds = list(_resources(template))
    named = any((resource.get("Properties") or {}).get(_IAM_NAMES.get(kind, "")) for kind, resource in kinds)
    needs_iam = any(kind in _IAM_NAMES for kind, _ in kinds)
    transforms = template.get("Transform") or []
    macros = {transforms} if isinstance(transforms, str) else set(transforms)
    lacking = ""
    if named and "CAPABILITY_NAMED_IAM" not in given:
        lacking = "CAPABILITY_NAMED_IAM"
    elif needs_iam and not given & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
        lacking = "CAPABILITY_IAM"
    elif macros - _OWN_TRANSFORMS and "CAPABILITY_AUTO_EXPAND" not in given:
        lacking = "CAPABILITY_AUTO_EXPAND"
    if lacking:
        raise AwsError("InsufficientCapabilitiesException", f"Requires capabilities : [{lacking}]")


def _check_resource_types(template: Mapping[str, Any], params: Mapping[str, Any]) -> None:
    patterns = params.get("ResourceTypes") or []
    for kind, _ in _resources(template):
        if patterns and not any(fnmatch.fnmatchcase(kind, pattern) for pattern in patterns):
            raise refused(
                f"Resource type {kind} is not allowed by parameter ResourceTypes [{', '.join(patterns)}]"
            )


def _resources(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for resource in template["Resources"].values():
        yield resource["Type"], resource
