"""What pages show of launches that wait for approval: a constant number of queries for any number of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

import accounts.selectors
from accounts.models import Delegation, User
from common import access
from common.clock import now
from common.pages import Page, page_of
from executions import approving
from executions.limits import APPROVAL_TIME
from executions.models import Execution, LaunchApproval, Status


@dataclass(frozen=True)
class LaunchRequest:
    """A launch that needs approval, for one person.

    Attributes:
        needed: how many approvals it needs.
        answers: what people said, with whether it counts, oldest first.
        approvers: the groups and people who may approve.
        may_answer: this person may approve or reject it now.
        own: this person launched it.
        answered: this person has answered.
        may_read: this person may read the document.
    """

    run: Execution
    needed: int
    answers: tuple[tuple[LaunchApproval, bool], ...]
    approvers: tuple[str, ...]
    may_answer: bool
    own: bool
    answered: bool
    may_read: bool

    @property
    def waits(self) -> bool:
        """Whether it waits for somebody's answer."""
        return self.run.status == Status.AWAITING_APPROVAL

    @property
    def approved(self) -> int:
        """How many approvals it has that count."""
        return sum(counts for _, counts in self.answers)

    @property
    def ends_at(self) -> datetime:
        """When it is refused unless it was approved before."""
        return self.run.requested_at + APPROVAL_TIME

    @property
    def parameters(self) -> dict[str, str]:
        """What the run is given, as a page shows it."""
        return {name: "\n".join(values) for name, values in self.run.parameters.items()}

    @property
    def approve_question(self) -> str:
        """What is asked before it is approved."""
        return f"Approve “{self.run.delegation}” for {self.run.operator.get_full_name()}?"

    @property
    def approve_effect(self) -> str:
        """What follows from approving it."""
        left = self.needed - self.approved - 1
        if left > 0:
            more = "one more approval" if left == 1 else f"{left} more approvals"
            return f"It then waits for {more}. Your name is recorded with it."
        return "It is then sent to AWS. Your name is recorded with it."

    @property
    def reject_question(self) -> str:
        """What is asked before it is rejected."""
        return f"Reject “{self.run.delegation}” of {self.run.operator.get_full_name()}?"


def waiting_for(actor: access.Actor) -> QuerySet[Execution]:
    """Return the runs whose launch the actor may approve and has not answered."""
    answered = LaunchApproval.objects.filter(execution=OuterRef("pk"), actor=actor.pk)
    waiting = Execution.objects.filter(
        ~Exists(answered), status=Status.AWAITING_APPROVAL, requested_at__gt=now() - APPROVAL_TIME
    )
    return access.visible(actor, "approve", waiting)


def outcome(run: Execution) -> str:
    """Return what followed from an answer that was just given."""
    if run.status == Status.REJECTED:
        return f"You rejected “{run.delegation}”: nothing was started."
    said = f"You approved “{run.delegation}” for {run.operator.get_full_name()}"
    return f"{said}. Others must still approve it." if run.status == Status.AWAITING_APPROVAL else f"{said}."


def page(actor: User, query: Mapping[str, str]) -> tuple[Page[Execution], list[LaunchRequest]]:
    """Return a page of what waits for the actor's approval, the longest waiting first.

    query: the address's parameters.
    """
    found = waiting_for(actor).select_related(
        "delegation", "operator", "target", "version__document", "version__author"
    )
    shown = page_of(found, ("requested_at", "pk"), query, kept={})
    known = requests(actor, shown.rows)
    return shown, [known[run.pk] for run in shown.rows]


def approvers(delegations: Iterable[Delegation]) -> dict[int, tuple[str, ...]]:
    """Return the names of the groups and people who may approve launches of each delegation, by its key."""
    return {
        key: tuple(
            grant.holder.get_full_name() if isinstance(grant.holder, User) else str(grant.holder)
            for grant in grants
            if "approve" in grant.permissions
        )
        for key, grants in access.grants_on(delegations).items()
    }


def lacks_approvers(operator: User, delegation: Delegation) -> bool:
    """Say whether fewer people may approve what this operator launches than must."""
    if not delegation.approvals_needed:
        return False
    others = accounts.selectors.approvers(delegation).exclude(pk=operator.pk)
    return others.count() < delegation.approvals_needed


def request_of(actor: User, run: Execution) -> LaunchRequest | None:
    """Return how the launch of `run` (that the actor was allowed to fetch) is approved; None if it is not."""
    if not run.approvals_needed:
        return None
    return requests(actor, [run])[run.pk]


def requests(actor: User, runs: Sequence[Execution]) -> dict[UUID, LaunchRequest]:
    """Return how these launches (that the actor was allowed to fetch) are approved, by run."""
    if not runs:
        return {}
    counting = {answer.pk for given in approving.counting(runs).values() for answer in given}
    answers: dict[UUID, list[tuple[LaunchApproval, bool]]] = {run.pk: [] for run in runs}
    for answer in LaunchApproval.objects.filter(execution__in=answers).select_related("actor"):
        answers[answer.execution_id].append((answer, answer.pk in counting))
    may_approve = approvers({run.delegation for run in runs})
    answerable = waiting_for(actor).filter(pk__in=answers)
    open_to_actor = set(answerable.values_list("pk", flat=True))
    documents = access.permissions(actor, {run.version.document for run in runs})
    return {
        run.pk: LaunchRequest(
            run=run,
            needed=approving.needed(run),
            answers=tuple(answers[run.pk]),
            approvers=may_approve[run.delegation_id],
            may_answer=run.pk in open_to_actor,
            own=run.operator_id == actor.pk,
            answered=any(answer.actor_id == actor.pk for answer, _ in answers[run.pk]),
            may_read="view" in documents[run.version.document_id],
        )
        for run in runs
    }
