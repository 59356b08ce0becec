"""What workers do for aws: ids in, one call out."""

from aws import checking, identities
from common.queueing import enqueue


def check_identity(identity_id: int) -> None:
    """Ask AWS whom an identity belongs to."""
    identities.verify(identity_id)


def check_target(target_id: int) -> None:
    """Ask AWS what works in a target."""
    checking.keep(target_id)


def resume_checks() -> None:
    """Enqueue again the checks of identities and targets that a lost queue has swallowed."""
    for identity_id in identities.unverified():
        enqueue("default", check_identity, identity_id)
    for target_id in checking.unanswered():
        enqueue("default", check_target, target_id)
