"""How each state looks: one tone, one icon and one explanation for a word, wherever the word appears.

The words are AWS's own (AutomationExecutionStatus and DocumentStatus of the SSM API reference) and the few
that the portal adds for what AWS does not know of.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StatusLook:
    """Tone: a class of the style sheet (`tone-…`). Icon: a name of the sprite. Meaning: the tooltip."""

    tone: str
    icon: str
    meaning: str
    spins: bool = False


UNKNOWN = StatusLook("neutral", "question-mark", "A state that the portal does not know.")

STATUS_LOOKS: dict[str, StatusLook] = {
    # What the portal knows before, around and after AWS.
    "AwaitingApproval": StatusLook(
        "waiting", "user-check", "Waiting in the portal for people to approve its launch."
    ),
    "Queued": StatusLook("queued", "hourglass", "Waiting in the portal for its turn to be sent to AWS."),
    "Starting": StatusLook("running", "rocket", "Being sent to AWS."),
    "Refused": StatusLook("failure", "ban", "The portal or AWS refused to start it; nothing ran."),
    "Lost": StatusLook("lost", "cloud-off", "AWS no longer knows this run; how it ended is not known."),
    # An execution or a step, as AWS spells it.
    "Pending": StatusLook("queued", "circle-dashed", "Not started yet."),
    "Scheduled": StatusLook("queued", "calendar", "To be started at a set time."),
    "InProgress": StatusLook("running", "loader-2", "Running now.", spins=True),
    "RunbookInProgress": StatusLook("running", "loader-2", "The runbook is running now.", spins=True),
    "Waiting": StatusLook("waiting", "hand-stop", "Waits for a person or a signal."),
    "PendingApproval": StatusLook("waiting", "user-check", "Waits for an approval."),
    "PendingChangeCalendarOverride": StatusLook(
        "waiting", "calendar", "Waits until the change calendar allows it."
    ),
    "Approved": StatusLook("success", "thumb-up", "Approved."),
    "ChangeCalendarOverrideApproved": StatusLook(
        "success", "thumb-up", "Allowed in spite of the change calendar."
    ),
    "Rejected": StatusLook("failure", "thumb-down", "An approver rejected it."),
    "ChangeCalendarOverrideRejected": StatusLook(
        "failure", "thumb-down", "Not allowed: the change calendar is closed."
    ),
    "Success": StatusLook("success", "circle-check", "Completed successfully."),
    "CompletedWithSuccess": StatusLook("success", "circle-check", "Completed successfully."),
    "CompletedWithFailure": StatusLook("failure", "alert-circle", "Completed, but something in it failed."),
    "Failed": StatusLook("failure", "circle-x", "Failed."),
    "TimedOut": StatusLook("failure", "clock-x", "Stopped because it took longer than allowed."),
    "Cancelling": StatusLook("waiting", "player-stop", "Being cancelled."),
    "Cancelled": StatusLook("neutral", "player-stop", "Stopped before it completed."),
    "Exited": StatusLook("neutral", "logout", "Left before it completed."),
    # A published document, and what is bound to it.
    "Publishing": StatusLook("running", "cloud-upload", "Being published to AWS."),
    "Creating": StatusLook("running", "loader-2", "AWS is creating it.", spins=True),
    "Updating": StatusLook("running", "loader-2", "AWS is updating it.", spins=True),
    "Deleting": StatusLook("waiting", "trash", "AWS is deleting it."),
    "Active": StatusLook("success", "circle-check", "Ready for use."),
    "Drifted": StatusLook("lost", "file-diff", "What stands in AWS is no longer what was published."),
    "Draft": StatusLook("neutral", "edit", "Not published yet."),
    "Disabled": StatusLook("neutral", "ban", "Switched off."),
    "Expired": StatusLook("neutral", "clock-x", "Its time is over."),
}

SEVERITY_LOOKS: dict[str, StatusLook] = {
    "error": StatusLook("failure", "circle-x", "Error"),
    "warning": StatusLook("waiting", "alert-triangle", "Warning"),
    "info": StatusLook("running", "info-circle", "Note"),
}

LEVEL_LOOKS: dict[str, StatusLook] = {
    "danger": StatusLook("failure", "alert-circle", "Problem"),
    "error": StatusLook("failure", "alert-circle", "Problem"),
    "warning": StatusLook("waiting", "alert-triangle", "Warning"),
    "success": StatusLook("success", "circle-check", "Done"),
    "info": StatusLook("running", "info-circle", "Note"),
    "debug": StatusLook("neutral", "info-circle", "Note"),
}


def look_of(status: object) -> StatusLook:
    """The look of a status word; an unknown word gets a neutral one, never an error."""
    return STATUS_LOOKS.get(str(status), UNKNOWN)
