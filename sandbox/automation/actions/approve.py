"""aws:approve (https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html)."""

from typing import Any

from botocore.exceptions import ClientError

from sandbox.automation.actions.registry import Action
from sandbox.automation.context import StepContext, call_failure
from sandbox.automation.outcomes import Done, InvalidInputs, Outcome, StepFailed, Wait
from sandbox.automation.records import Signal
from sandbox.identity import Principal

WAITING = "waiting for approval"
MOST_APPROVERS = 10
LONGEST_MESSAGE = 4_096
TOPIC_PREFIX = "Automation"
DECISIONS = {"Approve": "Approved", "Reject": "Rejected"}


def run(context: StepContext) -> Outcome:
    approvers = context.strings("Approvers")
    needed = _needed(context, approvers)
    if not context.memo.get("notified"):
        _notify(context, approvers, needed)
        context.memo["notified"] = True
        return Wait(context.now, WAITING)
    decisions = [signal for signal in context.signals if signal.type in DECISIONS]
    rejection = next((signal for signal in decisions if signal.type == "Reject"), None)
    if rejection is not None:
        comment = f" Comment: {rejection.comment}" if rejection.comment else ""
        raise StepFailed(
            f"Approval is rejected by {rejection.sender_arn}.{comment}",
            doing=WAITING,
            stage="PostVerification",
            type="Verification",
            details={"Approver": [rejection.sender_arn]},
            outputs=_outputs("Rejected", decisions),
        )
    approvals = {signal.sender_arn for signal in decisions}
    if len(approvals) >= needed:
        return Done(outputs=_outputs("Approved", decisions))
    return Wait(None, WAITING, status="Waiting", outputs=_outputs("Waiting", decisions))


def may_decide(principal: Principal, approvers: list[str]) -> bool:
    """Whether the principal is an approver; these are named by user name or by user, role or session ARN."""
    own = {principal.arn, principal.role_arn}
    if principal.kind == "user":
        own.add(principal.name)
    return any(approver in own for approver in approvers)


def _needed(context: StepContext, approvers: list[str]) -> int:
    if len(approvers) > MOST_APPROVERS:
        raise InvalidInputs(f"Approvers may name {MOST_APPROVERS} principals at most, not {len(approvers)}.")
    given = context.inputs.get("MinRequiredApprovals") or 1
    try:
        needed = int(given)
    except (TypeError, ValueError):
        raise InvalidInputs(f"MinRequiredApprovals must be a whole number, not {given!r}.") from None
    if not 1 <= needed <= len(approvers):
        raise InvalidInputs(
            f"MinRequiredApprovals must lie between 1 and the number of approvers ({len(approvers)}), "
            f"not {needed}."
        )
    return needed


def _outputs(status: str, decisions: list[Signal]) -> dict[str, Any]:
    return {
        "ApprovalStatus": status,
        "ApproverDecisions": [
            {
                "approver": signal.sender_arn,
                "decision": DECISIONS[signal.type],
                "comment": signal.comment,
                "decisionTime": signal.at.isoformat(),
            }
            for signal in decisions
        ],
    }


def _notify(context: StepContext, approvers: list[str], needed: int) -> None:
    topic = context.inputs.get("NotificationArn")
    if not topic:
        return
    message = str(context.inputs.get("Message") or "")
    if not str(topic).rpartition(":")[2].startswith(TOPIC_PREFIX):
        raise InvalidInputs(
            f"The name of the topic in NotificationArn must begin with {TOPIC_PREFIX}: {topic}."
        )
    if len(message) > LONGEST_MESSAGE:
        raise InvalidInputs(f"Message may have {LONGEST_MESSAGE} characters at most, not {len(message)}.")
    try:
        context.call(
            "sns",
            "Publish",
            {
                "TopicArn": topic,
                "Subject": f"Approval required: {context.execution_id}",
                "Message": f"{message}\n\nAutomation execution {context.execution_id}, "
                f"step {context.step.name}, needs {needed} of these approvals: {', '.join(approvers)}.",
            },
        )
    except ClientError as error:
        raise call_failure(error, doing="Execute/Sending approval notification") from error


ACTION = Action(
    "aws:approve",
    run,
    timeout_seconds=604_800,
    longest_seconds=2_592_000,
    inputs=frozenset({"Approvers", "Message", "MinRequiredApprovals", "NotificationArn"}),
)
