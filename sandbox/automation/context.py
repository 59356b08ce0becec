"""What an action sees of its run: resolved inputs, its own notes, the signals sent, and AWS."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.exceptions

from sandbox.automation import calls
from sandbox.automation.outcomes import ACTING, InvalidInputs, StepFailed, TimedOut, Wait
from sandbox.automation.records import Signal
from sandbox.errors import AwsError
from ssmdoc import Document, Step

FIRST_POLL_SECONDS = 0.5
# By these codes services say that they are called too often.
_THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
LONGEST_POLL_SECONDS = 10.0


@dataclass
class StepContext:
    """The surroundings of one turn of one step.

    `memo` is the action's own: what it writes there it finds again at its next turn, also after a restart.
    """

    step: Step
    inputs: Mapping[str, Any]
    memo: dict[str, Any]
    now: dt.datetime
    started_at: dt.datetime
    signals: tuple[Signal, ...]
    step_execution_id: str
    attempt: int
    execution_id: str
    execution_arn: str
    account_id: str
    region: str
    following_step: str | None
    client: Callable[[str], Any] = field(repr=False)
    # Tells the store that a call which changes something begins; it is under way until the turn has ended.
    mark_call: Callable[[str], None] = field(repr=False)
    document: Document = field(repr=False)
    # How many executions stand above this one.
    level: int
    # Replaces the references in a value by what they stand for now; raises InvalidInputs.
    resolve: Callable[[Any], Any] = field(repr=False)
    # Makes the execution that a client token will start a child of this one, which is told when it ends.
    expect_child: Callable[[str], None] = field(repr=False)
    # When the step times out.
    deadline: dt.datetime | None
    # The files attached to the document, by name.
    attachments: Mapping[str, bytes] = field(repr=False)
    # The credentials of the run's service role, as keyword arguments of a boto3.Session; None without a role.
    keys: Callable[[], Mapping[str, str] | None] = field(repr=False)
    # Leaves something under way when the turn ends by waiting: see `sandbox.automation.work.Work.begin`. None
    # where turns cannot be ended like this.
    leave_work: Callable[[Callable[[], None]], Callable[[], None]] | None = field(repr=False)

    def required(self, name: str) -> Any:
        """The input `name`; InvalidInputs when it is absent or empty."""
        value = self.inputs.get(name)
        if value is None or value == "":
            raise InvalidInputs(f"The required input {name} of step {self.step.name} is missing.")
        return value

    def strings(self, name: str) -> list[str]:
        """The required input `name` as a flat list of texts: one text is a list of one."""
        value = self.required(name)
        flat: list[str] = []
        for item in value if isinstance(value, list) else [value]:
            flat.extend(str(inner) for inner in item) if isinstance(item, list) else flat.append(str(item))
        return flat

    def flag(self, name: str, *, default: bool = False) -> bool:
        """The boolean input `name`; texts `true` and `false` count. InvalidInputs for anything else."""
        value = self.inputs.get(name, default)
        if str(value).lower() not in {"true", "false"}:
            raise InvalidInputs(
                f"The input {name} of step {self.step.name} must be true or false, not {value!r}."
            )
        return str(value).lower() == "true"

    def call(
        self,
        service: str,
        api: str,
        params: Mapping[str, Any],
        *,
        repeatable: bool = False,
        seconds: int | None = None,
    ) -> dict[str, Any]:
        """Call AWS and return the response in plain values.

        ClientError passes through for the action to word; StepFailed when the call could not be made at all.
        An action that goes on after a call that changes something notes the result in `memo` and ends its
        turn first: what is not noted by then counts as unknown after a restart. A `repeatable` call may be
        made again then, because it carries a token or changes nothing the second time. `seconds` is how long
        to wait for the answer, where that is not what calls have in general; TimedOut when none came.
        """
        service_name = calls.service_name(service)
        operation = calls.operation(service_name, api)
        fitted = calls.fit(dict(params), operation.input_shape) if operation.input_shape else {}
        client = self._client(f"{service_name}:{seconds}" if seconds else service_name)
        method = getattr(client, _method_name(client, operation.name))
        if not repeatable and not calls.reads_only(operation.name):
            self.mark_call(f"{service_name} {operation.name}")
        try:
            return dict(calls.plain(calls.whole(operation, method(**fitted))))
        except botocore.exceptions.ParamValidationError as error:
            raise StepFailed(str(error), stage="InputValidation", type="Verification") from error
        except botocore.exceptions.ReadTimeoutError as error:
            if seconds is None:
                raise StepFailed(str(error), type="Internal") from error
            raise TimedOut("", doing=ACTING) from error
        except botocore.exceptions.BotoCoreError as error:
            raise StepFailed(str(error), type="Internal") from error

    def again(self, doing: str) -> Wait:
        """Look again soon: first quickly, then less and less often."""
        polls = self.memo["polls"] = self.memo.get("polls", 0) + 1
        seconds = min(FIRST_POLL_SECONDS * 1.5 ** (polls - 1), LONGEST_POLL_SECONDS)
        return Wait(self.now + dt.timedelta(seconds=seconds), doing)

    def _client(self, service: str) -> Any:
        try:
            return self.client(service)
        except AwsError as error:
            raise StepFailed(error.message, type="Permission") from error


def _method_name(client: Any, operation: str) -> str:
    return next(
        str(method) for method, name in client.meta.method_to_api_mapping.items() if name == operation
    )


def call_failure(
    error: botocore.exceptions.ClientError, *, reason: str | None = None, doing: str = ACTING
) -> StepFailed:
    """The failure of a step whose API call AWS refused; `reason` where the action has words of its own."""
    response = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    denied = code.startswith(("AccessDenied", "UnauthorizedOperation", "AuthorizationError"))
    throttled = code in _THROTTLES
    kind = "Permission" if denied else "Throttling" if throttled else "Action"
    return StepFailed(
        reason or str(error),
        stage="Invocation",
        type=kind,
        details={"ErrorCode": [code], "Operation": [error.operation_name]},
        response=str(response.get("Error", {}).get("Message", "")) or None,
        response_code=str(response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")) or None,
        doing=doing,
    )
