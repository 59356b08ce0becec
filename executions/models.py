"""Runs: what was launched, how far it is, and what happened on the way."""

import json
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Delegation
from aws.models import AwsTarget
from common import access
from common.clock import now
from documents.models import DocumentVersion


class Status(models.TextChoices):
    """States of a run and of a step: AWS's own words, and five of the portal's own.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AutomationExecution.html
    """

    AWAITING_APPROVAL = "AwaitingApproval"  # waits in the portal for people to approve its launch
    QUEUED = "Queued"  # waits in the portal for a worker
    STARTING = "Starting"  # a worker has claimed it; AWS may or may not know of it yet
    REFUSED = "Refused"  # the portal refused it at the moment of launch
    LOST = "Lost"  # AWS no longer knows of it
    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    WAITING = "Waiting"
    SUCCESS = "Success"
    TIMED_OUT = "TimedOut"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    FAILED = "Failed"
    PENDING_APPROVAL = "PendingApproval"
    APPROVED = "Approved"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"
    RUNBOOK_IN_PROGRESS = "RunbookInProgress"
    PENDING_CHANGE_CALENDAR_OVERRIDE = "PendingChangeCalendarOverride"
    CHANGE_CALENDAR_OVERRIDE_APPROVED = "ChangeCalendarOverrideApproved"
    CHANGE_CALENDAR_OVERRIDE_REJECTED = "ChangeCalendarOverrideRejected"
    COMPLETED_WITH_SUCCESS = "CompletedWithSuccess"
    COMPLETED_WITH_FAILURE = "CompletedWithFailure"
    EXITED = "Exited"


FINAL = frozenset(
    {
        Status.REFUSED,
        Status.LOST,
        Status.SUCCESS,
        Status.TIMED_OUT,
        Status.CANCELLED,
        Status.FAILED,
        Status.REJECTED,
        Status.CHANGE_CALENDAR_OVERRIDE_REJECTED,
        Status.COMPLETED_WITH_SUCCESS,
        Status.COMPLETED_WITH_FAILURE,
        Status.EXITED,
    }
)


# These wait in the portal: AWS has not heard of them.
IN_PORTAL = frozenset({Status.AWAITING_APPROVAL, Status.QUEUED})


class Execution(models.Model):
    """One run of a delegation.

    Everything that decides what runs is frozen here when the operator presses Execute; the id is AWS's
    ClientToken, so that sending the same launch twice starts one automation.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without an index of their own, as every foreign key would have: those below begin with these columns.
    delegation = models.ForeignKey(
        Delegation, on_delete=models.PROTECT, related_name="executions", db_index=False
    )
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="executions", db_index=False
    )
    version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="executions")
    target = models.ForeignKey(AwsTarget, on_delete=models.PROTECT, related_name="executions")
    content_hash = models.CharField(max_length=64)
    aws_document_name = models.CharField(max_length=128)
    aws_document_version = models.CharField(max_length=8)
    # Empty: as the caller.
    service_role_arn = models.CharField(max_length=600, blank=True)
    # As StartAutomationExecution takes them: {name: [text, …]}.
    parameters = models.JSONField(default=dict)
    # AWS waits before each step until a person says that it begins: its Interactive mode.
    step_by_step = models.BooleanField(default=False)
    # How many people had to approve it when Execute was pressed.
    approvals_needed = models.PositiveSmallIntegerField(default=0)
    again_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    status = models.CharField(max_length=32, choices=Status.choices, default=Status.QUEUED)
    failure = models.TextField(blank=True)
    aws_execution_id = models.CharField(max_length=36, blank=True)
    executed_by = models.CharField(max_length=600, blank=True)
    current_step = models.CharField(max_length=128, blank=True)
    outputs = models.JSONField(default=dict)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    requested_at = models.DateTimeField(default=now)
    # When it had the approvals that it needed; null while it waits for them, or needs none.
    approved_at = models.DateTimeField(null=True, blank=True)
    # When the present worker claimed the launch: from then on AWS may know of it. An old claim is taken over.
    claimed_at = models.DateTimeField(null=True, blank=True)
    # A launch that AWS could not take is not sent again before this.
    retry_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # When AWS was last asked: how old everything above is.
    observed_at = models.DateTimeField(null=True, blank=True)
    # Since when AWS knows more about the run's steps than is kept here; null when it does not.
    behind_since = models.DateTimeField(null=True, blank=True)
    # The number of the newest event.
    last_event = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        ordering = ["-requested_at", "-id"]
        indexes = [
            models.Index(fields=["aws_execution_id"]),
            # What the list of runs is read by, in its order: all, a person's, a delegation's, those in one
            # state, a delegation's in one state.
            models.Index(fields=["-requested_at", "-id"]),
            models.Index(fields=["operator", "-requested_at", "-id"]),
            models.Index(fields=["delegation", "-requested_at", "-id"]),
            models.Index(fields=["status", "-requested_at", "-id"]),
            models.Index(fields=["delegation", "status", "-requested_at", "-id"]),
            # Conditions that SQLite too knows again in a query: on a list of states it does not.
            models.Index(fields=["target", "status"], name="executions_unended", condition=Q(ended_at=None)),
            models.Index(
                fields=["-requested_at", "-id"], name="executions_unended_list", condition=Q(ended_at=None)
            ),
            models.Index(
                fields=["target", "behind_since"],
                name="executions_behind",
                condition=Q(behind_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.delegation} {str(self.id)[:8]}"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended."""
        return self.status in FINAL

    @property
    def is_settled(self) -> bool:
        """Whether the run has ended and nothing more is to be learned of it."""
        return self.is_final and self.behind_since is None

    @property
    def queued_since(self) -> datetime:
        """Since when it may be sent to AWS: since it was approved, where that was needed."""
        return self.approved_at or self.requested_at


class StepExecution(models.Model):
    """One step of a run, as AWS last reported it."""

    # The constraint's index serves the foreign key as well.
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps", db_index=False)
    aws_step_id = models.CharField(max_length=36)
    position = models.PositiveIntegerField()
    name = models.CharField(max_length=128)
    action = models.CharField(max_length=64)
    status = models.CharField(max_length=32, choices=Status.choices)
    failure = models.TextField(blank=True)
    inputs = models.JSONField(default=dict)
    outputs = models.JSONField(default=dict)
    # The step that AWS says comes after it; empty where it does not say.
    next_step = models.CharField(max_length=128, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["execution", "aws_step_id"], name="one_row_per_step")]
        # Steps that wait for an answer are few among all that ever were.
        indexes = [models.Index(fields=["status"], name="steps_unended", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.name} of {self.execution_id}"

    @property
    def question(self) -> str:
        """What an approval step asks; AWS gives a step's inputs as JSON."""
        text = str(self.inputs.get("Message", ""))
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return value if isinstance(value, str) else text


class ExecutionEvent(models.Model):
    """A numbered fact about a run; what live pages read."""

    # The constraint's index serves the foreign key as well.
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="events", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=32)
    message = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["execution", "number"], name="one_event_per_number")]

    def __str__(self) -> str:
        return f"{self.number}: {self.message}"


class Signal(models.Model):
    """What a person said to a run, kept until AWS has taken it: an answer to a waiting step, or, of a run
    step by step, what it does next."""

    class Kind(models.TextChoices):
        APPROVE = "Approve"
        REJECT = "Reject"
        RESUME = "Resume"
        START_STEP = "StartStep"
        STOP_STEP = "StopStep"
        COMPLETE = "Complete"  # AWS takes it as a kind of stop, not as a signal

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="signals")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    step = models.CharField(max_length=128, blank=True)
    # AWS's id of the step to stop; of a step to start, that of its last execution before, empty without one.
    aws_step_id = models.CharField(max_length=36, blank=True)
    comment = models.CharField(max_length=512, blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=now)
    # When a worker last took it: from then on AWS may have it. Null while it certainly has not.
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["requested_at"]

    def __str__(self) -> str:
        return f"{self.kind} for {self.execution_id}"

    @property
    def is_answer(self) -> bool:
        """Whether it answers a step, rather than saying what a run step by step does next."""
        return self.kind in {self.Kind.APPROVE, self.Kind.REJECT, self.Kind.RESUME}

    @property
    def permission(self) -> str:
        """What its actor must hold of the run for it to be sent."""
        return "signal" if self.is_answer else "cancel"


class LaunchApproval(models.Model):
    """What a person said of a launch that needs approval. It stands: nobody is asked twice."""

    class Verdict(models.TextChoices):
        APPROVE = "Approve"
        REJECT = "Reject"

    # The constraint's index serves the foreign key as well.
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="approvals", db_index=False
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    comment = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        default_permissions = ()
        ordering = ["at", "pk"]
        constraints = [models.UniqueConstraint(fields=["execution", "actor"], name="one_answer_a_person")]

    def __str__(self) -> str:
        return f"{self.verdict} of {self.execution_id} by {self.actor_id}"


class LaunchTurn(models.Model):
    """When a person's runs of a delegation were last sent to AWS: whose turn is next follows from it."""

    target = models.ForeignKey(AwsTarget, on_delete=models.CASCADE, related_name="+")
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    delegation = models.ForeignKey(Delegation, on_delete=models.CASCADE, related_name="+")
    served_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["target", "operator", "delegation"], name="one_launch_turn")
        ]

    def __str__(self) -> str:
        return f"{self.operator_id} with {self.delegation_id} in {self.target_id}"


class LaunchPause(models.Model):
    """An administrator's word that nothing is launched for now, in any target: one row, or none."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    since = models.DateTimeField(default=now)
    # In words, so that every page can tell who it was without asking further.
    by = models.CharField(max_length=150)
    reason = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "launches"


class TrackingLease(models.Model):
    """Who follows the runs of a target, and until when; a holder that dies is succeeded."""

    target = models.OneToOneField(AwsTarget, primary_key=True, on_delete=models.CASCADE, related_name="+")
    holder = models.CharField(max_length=64, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.holder or 'nobody'} follows {self.target_id}"


_launched = access.Through(person="operator")
_may_see_delegation = access.Through(related="delegation", model=Delegation, permission="view")
_may_execute_delegation = access.Through(
    person="operator", related="delegation", model=Delegation, permission="execute"
)
_may_approve_delegation = access.Through(related="delegation", model=Delegation, permission="approve")
# Four eyes: nobody approves what they launched themselves.
_may_approve_launch = access.Through(
    somebody_else="operator", related="delegation", model=Delegation, permission="approve"
)

access.register(
    access.Rules(
        model=Execution,
        noun="run",
        permissions={
            "view": "see it",
            "cancel": "cancel it or start and stop its steps",
            "approve": "approve its launch",
            "signal": "answer its waiting steps",
        },
        capabilities={"view": "administer", "cancel": "administer"},
        through={
            "view": (
                ("launched it", _launched),
                ("may see its delegation", _may_see_delegation),
            ),
            "cancel": (("launched it and may still launch its delegation", _may_execute_delegation),),
            "approve": (
                ("may approve launches of its delegation, and did not launch it", _may_approve_launch),
            ),
            "signal": (("may answer the approval steps of its delegation", _may_approve_delegation),),
        },
    )
)
