"""What Systems Manager calls act on.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.calls import Call
from sandbox.iam.actions import iam_action
from sandbox.iam.checks import Check
from sandbox.iam.policy import Resource
from sandbox.iam.resources import arn_base, resource_of, strings
from sandbox.identity import Principal

_DOCUMENT_OPERATIONS = frozenset(
    (
        "CreateDocument",
        "DeleteDocument",
        "DescribeDocument",
        "DescribeDocumentParameters",
        "DescribeDocumentPermission",
        "GetDocument",
        "ListDocumentMetadataHistory",
        "ListDocumentVersions",
        "ModifyDocumentPermission",
        "UpdateDocument",
        "UpdateDocumentDefaultVersion",
        "UpdateDocumentMetadata",
    )
)
_PARAMETER_OPERATIONS = frozenset(
    (
        "DeleteParameter",
        "DeleteParameters",
        "GetParameter",
        "GetParameterHistory",
        "GetParameters",
        "GetParametersByPath",
        "LabelParameterVersion",
        "PutParameter",
        "UnlabelParameterVersion",
    )
)
_TAGGED_KINDS = {
    "Document": "document/{}",
    "Parameter": "parameter/{}",
    "Automation": "automation-execution/{}",
    "MaintenanceWindow": "maintenancewindow/{}",
    "PatchBaseline": "patchbaseline/{}",
    "ManagedInstance": "managed-instance/{}",
    "OpsItem": "opsitem/{}",
    "Association": "association/{}",
}


def checks(call: Call, principal: Principal) -> list[Check]:
    """The checks of an SSM call."""
    context = _tag_context(call)
    if call.operation == "StartAutomationExecution" and call.params.get("DocumentVersion"):
        context["ssm:DocumentVersion"] = call.params["DocumentVersion"]
    return [
        Check(iam_action(call), names, {**context, **_tags_of(names[0], principal)})
        for names in _resources(call, principal)
    ]


def _tags_of(resource: Resource, principal: Principal) -> dict[str, str]:
    """The tags of a document or an execution of the caller's account, as condition keys."""
    from moto.ssm.models import ssm_backends

    from sandbox.automation.service import store

    owner, _, name = str(resource).partition("/")
    _arn, _partition, _service, region, account, kind = [*owner.split(":"), *[""] * 6][:6]
    tags: Mapping[str, str] = {}
    if account == principal.account_id and kind == "automation-execution":
        execution = store.get(name)
        if execution is not None and (execution.account_id, execution.region) == (account, region):
            tags = execution.tags
    elif account == principal.account_id and kind in {"document", "automation-definition"}:
        tagged: Mapping[str, Mapping[str, Mapping[str, str]]] = ssm_backends[account][region]._resource_tags
        tags = tagged.get("Document", {}).get(name.partition(":")[0], {})
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def _resources(call: Call, principal: Principal) -> list[tuple[Resource, ...]]:
    """Each thing that the call acts on, by all of its names."""
    base = "arn:{partition}:ssm:{region}:{account}:".format(**arn_base(call, principal))
    shared = "arn:{partition}:ssm:{region}::".format(**arn_base(call, principal))
    params = call.params
    name = params.get("DocumentName") or params.get("Name") or ""
    found: list[tuple[Resource, ...]] = [(resource_of(call, principal),)]
    if call.operation == "StartAutomationExecution":
        names = _automation_names(base, shared, name, params.get("DocumentVersion") or "$DEFAULT")
        # Policies that name the document must name the execution too; those from before that was so name
        # the automation-definition, and that is enough.
        found = [names, (f"{base}automation-execution/*", *(n for n in names if "definition/" in str(n)))]
    elif call.operation == "StartExecutionPreview":
        found = [_automation_names(base, shared, name, params.get("DocumentVersion") or "$DEFAULT")]
    elif call.operation == "GetExecutionPreview":
        found = [("*",)]
    elif call.operation == "GetCalendarState":
        found = [_document(base, shared, each) for each in strings(params.get("CalendarNames"))]
    elif call.operation in _DOCUMENT_OPERATIONS:
        found = [_document(base, shared, name)]
    elif call.operation in _PARAMETER_OPERATIONS:
        paths = [*strings(name), *strings(params.get("Names")), *strings(params.get("Path"))]
        found = [(_parameter(base, path),) for path in paths if path]
    elif params.get("AutomationExecutionId"):
        found = [(f"{base}automation-execution/{params['AutomationExecutionId']}",)]
    elif params.get("ResourceType") in _TAGGED_KINDS and params.get("ResourceId"):
        found = [(base + _TAGGED_KINDS[params["ResourceType"]].format(params["ResourceId"].lstrip("/")),)]
    elif call.operation == "SendCommand":
        machines = f"arn:{principal.partition}:ec2:{call.region}:{principal.account_id}:instance/"
        found = [
            _document(base, shared, name),
            *((machines + i,) for i in strings(params.get("InstanceIds"))),
        ]
    return found


def _document(base: str, shared: str, name: str) -> tuple[Resource, ...]:
    if name.startswith("arn:"):
        return (name,)
    # AWS's own documents belong to no account.
    return (f"{base}document/{name}", *((f"{shared}document/{name}",) if _is_of_aws(name) else ()))


def _is_of_aws(name: str) -> bool:
    return name.startswith(("AWS", "Amazon"))


def _parameter(base: str, name: str) -> str:
    """The parameter's ARN, without the version or label that a name may end with."""
    owner, separator, plain = name.partition(":parameter/") if name.startswith("arn:") else ("", "", name)
    plain = plain.partition(":")[0]
    return f"{owner}{separator}{plain}" if owner else f"{base}parameter/{plain.lstrip('/')}"


def _automation_names(base: str, shared: str, name: str, version: str) -> tuple[Resource, ...]:
    # Policies in use name a runbook as automation-definition or as document, AWS's own without an account.
    if name.startswith("arn:"):
        owner, _, plain = name.partition(":document/")
        return (f"{owner}:automation-definition/{plain}:{version}", name)
    names = [f"{base}automation-definition/{name}:{version}", f"{base}document/{name}"]
    if _is_of_aws(name):
        names += [f"{shared}automation-definition/{name}:{version}", f"{shared}document/{name}"]
    return tuple(names)


def _tag_context(call: Call) -> dict[str, str | list[str]]:
    tags = call.params.get("Tags") or []
    keys = [tag.get("Key", "") for tag in tags] or list(strings(call.params.get("TagKeys")))
    if not keys:
        return {}
    return {
        "aws:TagKeys": keys,
        **{f"aws:RequestTag/{tag.get('Key', '')}": tag.get("Value", "") for tag in tags},
    }
