"""CloudFormation's CreateStack and DeleteStack, with what is refused first and the statuses of a failure.

moto lets the error of a resource pass to the caller; AWS answers with the stack's id, rolls back, and tells
in the status.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import moto.cloudformation.models
import moto.cloudformation.responses
import yaml
from moto.cloudformation.models import CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_stack_id
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import FakeBucket

from sandbox.calls import current_call
from sandbox.errors import AwsError
from sandbox.identity import current_principal
from sandbox.services import stack_templates
from sandbox.services.stack_templates import refused

Params = Mapping[str, Any]


class StackResponse(CloudFormationResponse):
    """Dispatches CloudFormation's operations; method names are those that moto dispatches to."""

    def create_stack(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"""
        params = current_call.get().params
        stack = create(self.cloudformation_backend, params)
        return ActionResult({"StackId": stack.stack_id})

    def delete_stack(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html"""
        delete(self.cloudformation_backend, current_call.get().params)
        return EmptyResult()

    def _get_stack_from_s3_url(self, template_url: str) -> str:
        return stack_templates.text_at(template_url, "TemplateURL")


def create(backend: CloudFormationBackend, params: Params) -> Stack:
    """Create a stack as `params` (CreateStack's) ask; what fails afterwards shows in its status.

    Errors: AwsError for what AWS refuses before it makes a stack.
    """
    name, token = params["StackName"], params.get("ClientRequestToken")
    for stack in backend.stacks.values():
        if stack.name == name:
            if token and getattr(stack, "client_request_token", None) == token:
                return stack
            raise AwsError("AlreadyExistsException", f"Stack [{name}] already exists")
    if params.get("OnFailure") and params.get("DisableRollback") is not None:
        raise refused("Either DisableRollback or OnFailure can be specified, not both.")
    text = stack_templates.template_of(params)
    stack_templates.check_request(text, params, current_principal())
    stack = _unmade(backend, text, params)
    vars(stack)["client_request_token"] = token
    stack.disable_rollback = bool(params.get("DisableRollback"))
    backend.stacks[stack.stack_id] = stack
    stack._add_stack_event("CREATE_IN_PROGRESS", resource_status_reason="User Initiated")
    try:
        stack_templates.check_emulated(stack.template_dict)
        stack.create_resources()
        backend._validate_export_uniqueness(stack)
        backend.exports.update({export.name: export for export in stack.exports})
    except Exception as error:  # noqa: BLE001 - each of moto's services fails in a way of its own
        _end_in_failure(backend, stack, params, f"Resource creation failed: {_said(error)}")
    return stack


def delete(backend: CloudFormationBackend, params: Params) -> None:
    """Delete a stack by its name or id; one that does not exist is deleted already.

    Errors: AwsError when the stack is protected, or RetainResources does not suit its status.
    """
    wanted = params["StackName"]
    stack = next((each for each in backend.stacks.values() if wanted in (each.name, each.stack_id)), None)
    if stack is None:
        return
    if stack.enable_termination_protection:
        raise refused(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    retained = params.get("RetainResources") or []
    if retained and stack.status != "DELETE_FAILED":
        raise refused(
            f"Invalid operation on stack [{stack.stack_id}]. RetainResources is for stacks in the "
            "DELETE_FAILED state."
        )
    if params.get("RoleARN"):
        stack_templates.check_role(params["RoleARN"], current_principal())
    for logical_id in retained:
        # Dropped from what the stack knows, so that it lives on without it.
        stack.resource_map._parsed_resources.pop(logical_id, None)
    exports = [export.name for export in stack.exports]
    stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
    try:
        _unmake(stack)
    except Exception as error:  # noqa: BLE001 - as above
        _become(stack, "DELETE_FAILED", f"Resource deletion failed: {_said(error)}")
        return
    _become(stack, "DELETE_COMPLETE", None)
    backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    for name in exports:
        backend.exports.pop(name, None)


def _unmade(backend: CloudFormationBackend, text: str, params: Params) -> Stack:
    # moto leaves methods abstract that it never calls.
    make: Any = Stack
    try:
        stack: Stack = make(
            stack_id=generate_stack_id(params["StackName"], backend.region_name, backend.account_id),
            name=params["StackName"],
            template=text,
            parameters={
                each["ParameterKey"]: each.get("ParameterValue", "")
                for each in params.get("Parameters") or []
            },
            account_id=backend.account_id,
            region_name=backend.region_name,
            notification_arns=list(params.get("NotificationARNs") or []),
            tags={tag["Key"]: tag.get("Value", "") for tag in params.get("Tags") or []},
            role_arn=params.get("RoleARN"),
            cross_stack_resources=backend.exports,
            enable_termination_protection=params.get("EnableTerminationProtection"),
            timeout_in_mins=params.get("TimeoutInMinutes"),
            stack_policy_body=stack_templates.policy_of(params),
        )
    except AwsError:
        raise
    except Exception as error:
        raise refused(f"Template validation error: {_said(error)}") from error
    return stack


def _end_in_failure(backend: CloudFormationBackend, stack: Stack, params: Params, reason: str) -> None:
    """What OnFailure asks for: leave it, take back what was made (the default), or leave nothing."""
    policy = params.get("OnFailure") or ("DO_NOTHING" if stack.disable_rollback else "ROLLBACK")
    if policy == "DO_NOTHING":
        _become(stack, "CREATE_FAILED", reason)
        return
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=reason)
    try:
        _unmake(stack)
    except Exception as error:  # noqa: BLE001 - as above
        failed = "DELETE_FAILED" if policy == "DELETE" else "ROLLBACK_FAILED"
        _become(stack, failed, f"{reason} Resource deletion failed: {_said(error)}")
        return
    if policy == "DELETE":
        _become(stack, "DELETE_COMPLETE", reason)
        backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)
    else:
        _become(stack, "ROLLBACK_COMPLETE", reason)


def _unmake(stack: Stack) -> None:
    for logical_id, resource in stack.resource_map._parsed_resources.items():
        kept = stack.resource_map._resource_json_map.get(logical_id, {}).get("DeletionPolicy") == "Retain"
        # moto leaves such a bucket where it is, and says that it is gone.
        if isinstance(resource, FakeBucket) and not kept and resource.keys:
            raise refused(f"The bucket you tried to delete is not empty (resource {logical_id}).")
    stack.resource_map.delete()


def _become(stack: Stack, status: str, reason: str | None) -> None:
    stack.status = status
    vars(stack)["stack_status_reason"] = reason
    stack._add_stack_event(status, resource_status_reason=reason)


def _said(error: Exception) -> str:
    message = getattr(error, "message", None) or str(error) or type(error).__name__
    return f"{message}"


def install() -> None:
    """Make moto's server answer CloudFormation calls with ours."""
    from moto.cloudformation import urls

    # moto parses templates with the loader that builds any Python object, and so runs any code, that a text
    # names.
    safe = SimpleNamespace(
        load=lambda text, Loader: yaml.load(text, Loader=stack_templates.TemplateLoader),  # noqa: S506 - a SafeLoader
        Loader=None,
        add_multi_constructor=lambda *_: None,
    )
    for module in (moto.cloudformation.models, moto.cloudformation.responses):
        vars(module)["yaml"] = safe
    urls.url_paths["{0}/$"] = StackResponse.dispatch
