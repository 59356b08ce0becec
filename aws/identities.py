"""Asking AWS whom an identity belongs to."""

from datetime import timedelta

from aws.connections import check_identity
from aws.models import CallerIdentity
from common.clock import now
from common.errors import PortalError

# A check that stands this long has lost its job.
STALE = timedelta(seconds=60)


def verify(identity_id: int) -> None:
    """Note which principal AWS knows an identity by, or why it cannot be used, in AWS's own words.

    An identity that is gone, or was replaced meanwhile, is left alone.
    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    identity = CallerIdentity.objects.select_related("user", "target").filter(pk=identity_id).first()
    if identity is None:
        return
    arn, failure = "", ""
    try:
        arn = check_identity(identity.target, identity.user)
    except PortalError as error:
        failure = error.message
    if arn and arn.split(":")[4] != identity.target.account_id:
        failure = f"AWS knows this key as {arn}: it belongs to another account than {identity.target}."
    unchanged = CallerIdentity.objects.filter(pk=identity.pk, updated_at=identity.updated_at)
    unchanged.update(arn=arn, failure=failure, checked_at=now())


def unverified() -> list[int]:
    """Return the identities whose check was lost on the way to a worker."""
    waiting = CallerIdentity.objects.filter(checked_at=None, updated_at__lt=now() - STALE)
    return list(waiting.order_by("updated_at").values_list("pk", flat=True)[:100])
