"""The maintenance switch: an administrator stops all launches, and everything else goes on.

Whoever presses Execute meanwhile is not turned away: the run waits as Queued until the switch is thrown back.
Runs that AWS has are tracked, cancelled and answered as ever.
"""

from django.db import transaction
from django.db.models import Exists, Q

from accounts.models import User
from audit.services import record
from common import access
from common.clock import now
from common.errors import Invalid
from common.queueing import enqueue_after_commit
from executions import jobs
from executions.models import LaunchPause

# A condition on any conditional update: that no pause stands. Whoever claims a launch names it in `only_if`,
# so that nothing is claimed any more once the pause has been committed.
OPEN = Q(~Exists(LaunchPause.objects.all()))


def launches_paused() -> LaunchPause | None:
    """Return the pause that stands, None when runs are launched: one query of one row."""
    return LaunchPause.objects.first()


@transaction.atomic
def pause_launches(*, actor: User | None, reason: str) -> LaunchPause:
    """Launch nothing any more, in any target, until `resume_launches`. Pausing again changes the reason.

    Arguments:
        actor: an administrator; None for who has a shell on the portal's own machine.
        reason: why, for everybody to read; 200 characters at most.

    Raises NotFound (the door), Invalid without a reason.
    """
    if actor is not None:
        access.require_capability(actor, "administer")
    reason = " ".join(reason.split())
    limit = LaunchPause._meta.get_field("reason").max_length or 0
    if not 1 <= len(reason) <= limit:
        raise Invalid(
            "Launches are not paused.",
            fields={"reason": f"Say why, in {limit} characters at most: everybody reads it on every page."},
        )
    known = LaunchPause.objects.select_for_update().first()
    by = actor.get_full_name() if actor is not None else "a command on the portal's machine"
    since = known.since if known else now()
    pause, _ = LaunchPause.objects.update_or_create(
        pk=1, defaults={"since": since, "by": by, "reason": reason}
    )
    if known is None or known.reason != reason:
        action = "launches.paused" if known is None else "launches.pause-changed"
        record(actor=actor, action=action, obj=pause, data={"reason": reason})
    return pause


@transaction.atomic
def resume_launches(*, actor: User | None) -> bool:
    """Launch again, beginning with what waits; answer whether launches were paused.

    actor: as for `pause_launches`. Raises NotFound (the door).
    """
    if actor is not None:
        access.require_capability(actor, "administer")
    pause = launches_paused()
    if pause is None or not LaunchPause.objects.filter(pk=pause.pk).delete()[0]:
        return False
    data = {"reason": pause.reason, "since": pause.since.isoformat()}
    record(actor=actor, action="launches.resumed", obj=pause, data=data)
    # What waits has no job of its own any more.
    enqueue_after_commit("launch", jobs.launch)
    return True
