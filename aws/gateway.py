"""Systems Manager as the portal needs it: documents and automations, in plain values.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from aws.errors import AwsError, translated
from aws.quotas import START, Quotas
from common.clock import now

# DescribeAutomationExecutions gives at most this many a page.
PAGE = 50
# One of its filters takes at most this many values.
MOST_VALUES = 10


@dataclass(frozen=True)
class RemoteDocument:
    """A document version as it stands in AWS, with the hash and status that AWS gives it."""

    name: str
    version: str
    sha256: str
    status: str
    failure: str = ""


@dataclass(frozen=True)
class RemoteStep:
    """One step of an automation. `outputs` holds lists of text, as AWS gives them.

    `next_step` is the step that AWS says comes after it, "" where it does not say.
    """

    step_id: str
    name: str
    action: str
    status: str
    failure: str
    inputs: dict[str, str]
    outputs: dict[str, list[str]]
    started_at: datetime | None
    ended_at: datetime | None
    next_step: str = ""


@dataclass(frozen=True)
class RemoteSummary:
    """What a list of automations says of one. `asked_at`: when AWS was asked."""

    aws_id: str
    status: str
    failure: str
    current_step: str
    started_at: datetime | None
    ended_at: datetime | None
    asked_at: datetime


@dataclass(frozen=True)
class RemoteExecution:
    """An automation with all its steps. `asked_at`: when AWS was asked."""

    aws_id: str
    status: str
    failure: str
    outputs: dict[str, list[str]]
    current_step: str
    executed_by: str
    started_at: datetime | None
    ended_at: datetime | None
    steps: tuple[RemoteStep, ...]
    asked_at: datetime


class SsmGateway:
    """Systems Manager with one set of credentials. Every method raises AwsError, in AWS's own words.

    Each call waits until AWS's limits leave room for it; only for `start` the caller has seen to that.
    """

    def __init__(self, client: Any, quotas: Quotas, *, once: Callable[[], Any] | None = None) -> None:
        """Begin with nothing called.

        Arguments:
            client: boto3's.
            once: gives a client that sends no request a second time by itself; the same one without.
        """
        self._client = client
        self._once = once or (lambda: client)
        self.quotas = quotas

    def _call(self, operation: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any]:
        return self._ask(operation, **request)[0]

    def _ask(
        self, operation: Callable[..., dict[str, Any]], **request: Any
    ) -> tuple[dict[str, Any], datetime]:
        """Call, and return the answer with the moment at which AWS was asked."""
        api = self._client.meta.method_to_api_mapping.get(operation.__name__, operation.__name__)
        if api != START:
            self.quotas.wait(api)
        asked_at = now()
        try:
            return operation(**request), asked_at
        except (ClientError, BotoCoreError) as error:
            refusal = translated(error, api)
            if refusal.rate_exceeded:
                self.quotas.slow_down(api)
            raise refusal from error

    # Documents

    def create_or_update_document(self, *, name: str, text: str, format: str) -> RemoteDocument:
        """Make `text` the default version of the document `name`, creating the document if need be.

        Doing it twice changes nothing more: text that AWS holds already is found, not added again.

        Arguments:
            format: "YAML" or "JSON".
        """
        try:
            made = self._call(
                self._client.create_document,
                Name=name,
                Content=text,
                DocumentFormat=format,
                DocumentType="Automation",
            )
            return _document(made["DocumentDescription"])
        except AwsError as error:
            if error.aws_code != "DocumentAlreadyExists":
                raise
        try:
            made = self._call(
                self._client.update_document,
                Name=name,
                Content=text,
                DocumentFormat=format,
                DocumentVersion="$LATEST",
            )
            document = _document(made["DocumentDescription"])
        except AwsError as error:
            if error.aws_code != "DuplicateDocumentContent":
                raise
            document = self._holding(name, text, format)
        self._call(self._client.update_document_default_version, Name=name, DocumentVersion=document.version)
        return document

    def _holding(self, name: str, text: str, format: str) -> RemoteDocument:
        """Return the newest version of `name` that holds exactly `text`."""
        pages = self._pages(self._client.list_document_versions, "DocumentVersions", Name=name)
        versions = sorted((int(row["DocumentVersion"]) for row in pages), reverse=True)
        for version in versions:
            found = self._call(
                self._client.get_document, Name=name, DocumentVersion=str(version), DocumentFormat=format
            )
            if found["Content"] == text:
                return self.document(name=name, version=str(version))
        raise AwsError(
            aws_code="DuplicateDocumentContent",
            message=f"AWS says that {name} holds this text already, but none of its versions reads the same.",
            operation="UpdateDocument",
            retryable=False,
        )

    def document(self, *, name: str, version: str) -> RemoteDocument:
        """Return what AWS says of one version of a document. `version` is a number, $DEFAULT or $LATEST."""
        answer = self._call(self._client.describe_document, Name=name, DocumentVersion=version)
        return _document(answer["Document"])

    # Automations

    def start(
        self,
        *,
        document_name: str,
        document_version: str,
        parameters: Mapping[str, list[str]],
        client_token: str,
        tags: Mapping[str, str],
        interactive: bool = False,
    ) -> str:
        """Start an automation and return its id; with the same `client_token` (a UUID), the same one.

        The caller has taken the call from `quotas`.

        Arguments:
            interactive: AWS waits before each step until a StartStep signal names it.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
        """
        answer = self._call(
            self._client.start_automation_execution,
            DocumentName=document_name,
            DocumentVersion=document_version,
            Parameters=dict(parameters),
            ClientToken=client_token,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            **({"Mode": "Interactive"} if interactive else {}),
        )
        return str(answer["AutomationExecutionId"])

    def execution(self, aws_id: str) -> RemoteExecution:
        """Return an automation with all its steps, also those that AWS leaves out of its first answer."""
        answer, asked_at = self._ask(self._client.get_automation_execution, AutomationExecutionId=aws_id)
        found = answer["AutomationExecution"]
        rows = found.get("StepExecutions", [])
        if found.get("StepExecutionsTruncated"):
            rows = list(
                self._pages(
                    self._client.describe_automation_step_executions,
                    "StepExecutions",
                    AutomationExecutionId=aws_id,
                    MaxResults=PAGE,
                )
            )
        return RemoteExecution(
            aws_id=aws_id,
            status=found["AutomationExecutionStatus"],
            failure=found.get("FailureMessage", ""),
            outputs=found.get("Outputs", {}),
            current_step=found.get("CurrentStepName", ""),
            executed_by=found.get("ExecutedBy", ""),
            started_at=found.get("ExecutionStartTime"),
            ended_at=found.get("ExecutionEndTime"),
            steps=tuple(_step(row) for row in rows),
            asked_at=asked_at,
        )

    def listed(
        self, statuses: Collection[str], *, since: datetime | None = None, token: str = ""
    ) -> tuple[list[RemoteSummary], str]:
        """Return a page of the account's automations, and the token of the next; "" when there is none.

        Arguments:
            statuses: those wanted, MOST_VALUES at most; any of them will do.
            since: when the wanted ones were started at the earliest; None for all.
            token: of the page wanted; "" for the first.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeAutomationExecutions.html
        """
        filters = [{"Key": "ExecutionStatus", "Values": sorted(statuses)}]
        if since is not None:
            moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            filters.append({"Key": "StartTimeAfter", "Values": [moment]})
        request: dict[str, Any] = {"Filters": filters, "MaxResults": PAGE}
        if token:
            request["NextToken"] = token
        answer, asked_at = self._ask(self._client.describe_automation_executions, **request)
        rows = answer.get("AutomationExecutionMetadataList", [])
        return [_summary(row, asked_at) for row in rows], answer.get("NextToken") or ""

    def described(self, aws_ids: Collection[str]) -> list[RemoteSummary]:
        """Return what AWS knows of these automations (MOST_VALUES at most), in one call."""
        answer, asked_at = self._ask(
            self._client.describe_automation_executions,
            Filters=[{"Key": "ExecutionId", "Values": list(aws_ids)}],
        )
        return [_summary(row, asked_at) for row in answer.get("AutomationExecutionMetadataList", [])]

    def stop(self, aws_id: str) -> None:
        """Cancel an automation: the present step is stopped, onCancel steps run."""
        self._call(self._client.stop_automation_execution, AutomationExecutionId=aws_id, Type="Cancel")

    def complete(self, aws_id: str) -> None:
        """End an automation in Interactive mode as its steps have ended so far; none is started any more.

        The request is sent once: AWS would refuse a second, as if the first had done nothing.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StopAutomationExecution.html
        """
        self._call(self._once().stop_automation_execution, AutomationExecutionId=aws_id, Type="Complete")

    def signal(self, aws_id: str, kind: str, payload: Mapping[str, list[str]]) -> None:
        """Answer a waiting step, or start or stop one in Interactive mode.

        The request is sent once: a second would answer the next step that waits.

        Arguments:
            kind: "Approve", "Reject", "Resume", "StartStep" or "StopStep".
            payload: "Comment" for the first two, "StepName" for the next two, "StepExecutionId" for the last.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendAutomationSignal.html
        """
        self._call(
            self._once().send_automation_signal,
            AutomationExecutionId=aws_id,
            SignalType=kind,
            Payload=dict(payload),
        )

    def _pages(self, operation: Callable[..., dict[str, Any]], key: str, **request: Any) -> Iterator[Any]:
        while True:
            answer = self._call(operation, **request)
            yield from answer.get(key, [])
            token = answer.get("NextToken")
            if not token:
                return
            request["NextToken"] = token


def _document(description: Mapping[str, Any]) -> RemoteDocument:
    return RemoteDocument(
        name=description["Name"],
        version=description.get("DocumentVersion", ""),
        sha256=description.get("Hash", ""),
        status=description.get("Status", ""),
        failure=description.get("StatusInformation", ""),
    )


def _summary(row: Mapping[str, Any], asked_at: datetime) -> RemoteSummary:
    return RemoteSummary(
        aws_id=row["AutomationExecutionId"],
        status=row["AutomationExecutionStatus"],
        failure=row.get("FailureMessage", ""),
        current_step=row.get("CurrentStepName", ""),
        started_at=row.get("ExecutionStartTime"),
        ended_at=row.get("ExecutionEndTime"),
        asked_at=asked_at,
    )


def _step(row: Mapping[str, Any]) -> RemoteStep:
    return RemoteStep(
        step_id=row["StepExecutionId"],
        name=row["StepName"],
        action=row["Action"],
        status=row["StepStatus"],
        failure=row.get("FailureMessage", ""),
        inputs={name: _text(value) for name, value in row.get("Inputs", {}).items()},
        outputs=dict(row.get("Outputs", {})),
        started_at=row.get("ExecutionStartTime"),
        ended_at=row.get("ExecutionEndTime"),
        next_step=row.get("NextStep", ""),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
