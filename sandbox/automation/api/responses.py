"""Systems Manager's response methods: moto's, with Automation added and its documents made right."""

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from sandbox.automation import service
from sandbox.automation.api import calendar_states, documents, listing, service_settings, shapes, sharing
from sandbox.automation.api.document_lists import list_documents
from sandbox.automation.api.errors import (
    AccessDeniedException,
    AutomationExecutionNotFoundException,
    InvalidResourceId,
    NoLongerSupportedException,
    TooManyTagsError,
)
from sandbox.automation.api.starting import MOST_TAGS, tags_of
from sandbox.automation.api.throttling import throttle
from sandbox.automation.api.validation import validate
from sandbox.automation.records import Execution
from sandbox.errors import AccessDenied
from sandbox.identity import current_principal
from sandbox.services.commands.responses import RunCommandResponse

AUTOMATION = "Automation"


Method = Callable[["AutomationResponse"], ActionResult]


def _throttled(method: Method) -> Method:
    """A response method that may be called as often as AWS lets it."""
    name = _name_of(method)

    @functools.wraps(method)
    def counted(self: "AutomationResponse") -> ActionResult:
        throttle(current_principal().account_id, self.region, name)
        return method(self)

    return counted


def _operation(method: Method) -> Method:
    """A throttled response method whose request is checked against botocore's model first."""
    name = _name_of(method)

    @functools.wraps(method)
    def checked(self: "AutomationResponse") -> ActionResult:
        validate(name, self.request)
        try:
            return method(self)
        except AccessDenied as denied:
            raise AccessDeniedException(denied.message) from denied

    return _throttled(checked)


def _name_of(method: Method) -> str:
    return "".join(word.capitalize() for word in method.__name__.split("_"))


class AutomationResponse(RunCommandResponse):
    """Dispatches Systems Manager's operations. One instance serves one request."""

    @functools.cached_property
    def request(self) -> dict[str, Any]:
        """The request's members. The gate has read them before: they have the types of the model."""
        members: dict[str, Any] = json.loads(self.body or "{}")
        return members

    def _execution(self) -> Execution:
        execution_id = self.request["AutomationExecutionId"]
        execution = service.store.get(execution_id)
        principal = current_principal()
        if execution is None or (execution.account_id, execution.region) != (
            principal.account_id,
            self.region,
        ):
            raise AutomationExecutionNotFoundException(execution_id)
        return execution

    # --- executions ---

    @_operation
    def start_automation_execution(self) -> ActionResult:
        execution_id = service.starter.start(self.request, current_principal(), self.region)
        if execution := service.store.get(execution_id):
            service.alarm_watch.judge(execution)
        return ActionResult({"AutomationExecutionId": execution_id})

    @_operation
    def get_automation_execution(self) -> ActionResult:
        execution = self._execution()
        with service.store.lock:
            return ActionResult({"AutomationExecution": shapes.execution_shape(execution)})

    @_throttled
    def describe_automation_executions(self) -> ActionResult:
        filters = self._filters(listing.EXECUTION_FILTERS)
        validate("DescribeAutomationExecutions", self.request)
        matches = listing.matcher(filters, listing.EXECUTION_FILTERS)
        account_id = current_principal().account_id
        with service.store.lock:
            runs = service.store.within(account_id, self.region)
            runs.sort(key=lambda run: run.started_at, reverse=True)
            taken, token = listing.page(
                runs, matches, self.request.get("NextToken"), self.request.get("MaxResults")
            )
            shown = [shapes.metadata_shape(run) for run in taken]
        return ActionResult({"AutomationExecutionMetadataList": shown, "NextToken": token})

    @_throttled
    def describe_automation_step_executions(self) -> ActionResult:
        filters = self._filters(listing.STEP_FILTERS)
        validate("DescribeAutomationStepExecutions", self.request)
        matches = listing.matcher(filters, listing.STEP_FILTERS)
        execution = self._execution()
        with service.store.lock:
            steps = list(execution.steps)
            if self.request.get("ReverseOrder"):
                steps.reverse()
            taken, token = listing.page(
                steps, matches, self.request.get("NextToken"), self.request.get("MaxResults")
            )
            shown = [shapes.step_shape(execution, record) for record in taken]
        return ActionResult({"StepExecutions": shown, "NextToken": token})

    def _filters(self, known: Any) -> list[dict[str, Any]]:
        filters: list[dict[str, Any]] = self.request.get("Filters") or []
        listing.check_filters(filters, known)
        return filters

    @_operation
    def stop_automation_execution(self) -> ActionResult:
        service.signaller.stop(self._execution(), self.request.get("Type") or "Cancel")
        return EmptyResult()

    @_operation
    def send_automation_signal(self) -> ActionResult:
        service.signaller.send(self._execution(), self.request, current_principal())
        return EmptyResult()

    @_operation
    def start_change_request_execution(self) -> ActionResult:
        raise NoLongerSupportedException(
            "Change Manager takes no new customers, and this account was none: start the runbook with "
            "StartAutomationExecution."
        )

    # --- tags ---

    def add_tags_to_resource(self) -> ActionResult:
        if self.request.get("ResourceType") != AUTOMATION:
            return super().add_tags_to_resource()
        validate("AddTagsToResource", self.request)
        execution = self._tagged()
        with service.store.changing(execution):
            tags = {**execution.tags, **tags_of(self.request["Tags"])}
            if len(tags) > MOST_TAGS:
                raise TooManyTagsError(f"An automation can have {MOST_TAGS} tags at most.")
            execution.tags = tags
        return EmptyResult()

    def remove_tags_from_resource(self) -> ActionResult:
        if self.request.get("ResourceType") != AUTOMATION:
            return super().remove_tags_from_resource()
        validate("RemoveTagsFromResource", self.request)
        execution = self._tagged()
        with service.store.changing(execution):
            for key in self.request["TagKeys"]:
                execution.tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        if self.request.get("ResourceType") != AUTOMATION:
            return super().list_tags_for_resource()
        with service.store.lock:
            tags = [{"Key": key, "Value": value} for key, value in self._tagged().tags.items()]
        return ActionResult({"TagList": tags})

    def _tagged(self) -> Execution:
        execution = service.store.get(str(self.request.get("ResourceId")))
        place = (current_principal().account_id, self.region)
        if execution is None or (execution.account_id, execution.region) != place:
            raise InvalidResourceId
        return execution

    # --- documents ---

    @_operation
    def create_document(self) -> ActionResult:
        return ActionResult({"DocumentDescription": documents.create(self.ssm_backend, self.request)})

    @_operation
    def update_document(self) -> ActionResult:
        return ActionResult({"DocumentDescription": documents.update(self.ssm_backend, self.request)})

    @_operation
    def update_document_default_version(self) -> ActionResult:
        return ActionResult({"Description": documents.set_default_version(self.ssm_backend, self.request)})

    @_operation
    def describe_document(self) -> ActionResult:
        return ActionResult({"Document": documents.describe(self.ssm_backend, self.request)})

    @_operation
    def get_document(self) -> ActionResult:
        return ActionResult(documents.get(self.ssm_backend, self.request))

    @_operation
    def list_document_versions(self) -> ActionResult:
        return ActionResult(documents.list_versions(self.ssm_backend, self.request))

    @_operation
    def delete_document(self) -> ActionResult:
        documents.delete(self.ssm_backend, self.request)
        return EmptyResult()

    @_operation
    def list_documents(self) -> ActionResult:
        account_id = current_principal().account_id
        return ActionResult(list_documents(self.ssm_backend, self.request, account_id, self.region))

    @_operation
    def modify_document_permission(self) -> ActionResult:
        sharing.modify(self.ssm_backend, self.request)
        return EmptyResult()

    @_operation
    def describe_document_permission(self) -> ActionResult:
        return ActionResult(sharing.describe(self.ssm_backend, self.request))

    @_operation
    def get_calendar_state(self) -> ActionResult:
        principal, now = current_principal(), service.clock.now()
        return ActionResult(calendar_states.state(self.request, principal.account_id, self.region, now))

    # --- previews ---

    @_operation
    def start_execution_preview(self) -> ActionResult:
        preview_id = service.previews.start(self.request, current_principal(), self.region)
        return ActionResult({"ExecutionPreviewId": preview_id})

    @_operation
    def get_execution_preview(self) -> ActionResult:
        account_id = current_principal().account_id
        return ActionResult(service.previews.get(self.request["ExecutionPreviewId"], account_id, self.region))

    # --- settings ---

    @_operation
    def get_service_setting(self) -> ActionResult:
        found = service_settings.get(service.store, self.request, current_principal(), self.region)
        return ActionResult({"ServiceSetting": found})

    @_operation
    def update_service_setting(self) -> ActionResult:
        principal = current_principal()
        service_settings.update(service.store, service.clock, self.request, principal, self.region)
        return EmptyResult()

    @_operation
    def reset_service_setting(self) -> ActionResult:
        found = service_settings.reset(service.store, self.request, current_principal(), self.region)
        return ActionResult({"ServiceSetting": found})
