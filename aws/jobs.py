"""What workers do for aws: ids in, one call out."""

from aws import identities
from common.queueing import enqueue


def check_identity(identity_id: int) -> None:
    """Ask AWS whom an identity belongs to."""
    identities.verify(identity_id)


def resume_checks() -> None:
    """Enqueue again the checks of identities that a lost queue has swallowed."""
    for identity_id in identities.unverified():
        enqueue("default", check_identity, identity_id)
