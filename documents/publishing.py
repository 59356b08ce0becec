"""The worker's half of publishing: bringing a version to AWS, once though it may be asked twice.

The Publication stands in the database as Publishing before any worker hears of it, and leaves that state by
conditional update only: a worker that died is replaced by one that does the same again, and text that AWS
holds already is found there instead of being added a second time.
"""

import logging
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from audit.services import record
from aws.connections import as_portal
from aws.errors import AwsError
from aws.gateway import RemoteDocument, SsmGateway
from common import access
from common.clock import now
from common.errors import Conflict, Forbidden, PortalError
from documents.checking import require_fit
from documents.models import Publication

log = logging.getLogger(__name__)

# A publication that stands this long has lost its worker, or waits for AWS to answer again.
STALE = timedelta(seconds=60)
# AWS publishes in seconds: what has not succeeded by then wants a person.
GIVE_UP = timedelta(minutes=15)
# CreateDocument answers "Creating"; the document is ready a moment later.
SETTLING = frozenset({"Creating", "Updating"})
SETTLE_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)


def carry_out(publication_id: int) -> None:
    """Publish what the Publication says, unless that is done, and note how it went.

    An error that may pass leaves it Publishing for the reconciler; any other makes it Failed, in AWS's words.
    """
    publication = (
        Publication.objects.select_related("version__document", "target", "requested_by")
        .filter(pk=publication_id, status=Publication.Status.PUBLISHING)
        .first()
    )
    if publication is None:
        return
    try:
        _recheck(publication)
        remote = _send(publication)
        _verify(publication, remote)
    except AwsError as error:
        if error.retryable and publication.requested_at > now() - GIVE_UP:
            log.warning("Publishing %s waits: %s", publication, error.message)
            _standing(publication).update(failure=error.message)
        else:
            fail(publication, error.message)
    except PortalError as error:
        fail(publication, error.message)
    else:
        if remote.status not in SETTLING:
            _succeed(publication, remote)


def unfinished() -> list[int]:
    """Return the Publications that a worker has to take up again, and give up those that took too long."""
    late = Publication.objects.select_related("version__document", "target", "requested_by").filter(
        status=Publication.Status.PUBLISHING, requested_at__lte=now() - GIVE_UP
    )
    for publication in late:
        minutes = int(GIVE_UP.total_seconds() // 60)
        last = f" AWS's last answer: {publication.failure}" if publication.failure else ""
        fail(publication, f"Not done within {minutes} minutes: publish again.{last}")
    standing = Publication.objects.filter(
        status=Publication.Status.PUBLISHING, requested_at__lte=now() - STALE
    )
    return list(standing.order_by("requested_at").values_list("pk", flat=True))


def fail(publication: Publication, reason: str) -> None:
    """Make a standing Publication Failed, for `reason`; one that another worker ended stays as it is."""
    with transaction.atomic():
        if _standing(publication).update(status=Publication.Status.FAILED, failure=reason):
            _record(publication, "document.publication-failed", reason=reason)


def _succeed(publication: Publication, remote: RemoteDocument) -> None:
    with transaction.atomic():
        won = _standing(publication).update(
            status=Publication.Status.ACTIVE,
            aws_version=remote.version,
            aws_hash=remote.sha256.lower(),
            failure="",
            published_at=now(),
        )
        if won:
            _record(publication, "document.published", aws_version=remote.version)


def _standing(publication: Publication) -> QuerySet[Publication]:
    return Publication.objects.filter(pk=publication.pk, status=Publication.Status.PUBLISHING)


def _record(publication: Publication, action: str, **data: str) -> None:
    version = publication.version
    facts = {"version": version.number, "target": publication.target.name, "sha256": version.sha256, **data}
    record(actor=publication.requested_by, action=action, obj=version.document, data=facts)


def _recheck(publication: Publication) -> None:
    """Ask again what was asked when the button was pressed: rights and rules may have changed since."""
    decision = access.decide(publication.requested_by, "publish", publication.version.document)
    if not decision.allowed:
        raise Forbidden(f"{publication.requested_by} may no longer publish this document.")
    if not publication.target.enabled:
        raise Conflict(f"The target {publication.target} has been disabled.")
    require_fit(publication.version)


def _send(publication: Publication) -> RemoteDocument:
    """Bring the text to AWS, and return what AWS then says of it."""
    gateway = as_portal(publication.target, on_behalf_of=publication.requested_by.get_username())
    _refuse_foreign(gateway, publication)
    version = publication.version
    made = gateway.create_or_update_document(
        name=publication.aws_name, text=version.text, format=version.format
    )
    remote = gateway.document(name=publication.aws_name, version=made.version)
    for pause in SETTLE_PAUSES:
        if remote.status not in SETTLING:
            break
        time.sleep(pause)
        remote = gateway.document(name=publication.aws_name, version=made.version)
    return remote


def _refuse_foreign(gateway: SsmGateway, publication: Publication) -> None:
    """Refuse to write over a document of the same name that did not come from here.

    Otherwise whoever may write documents could replace any document of the account by choosing its name.
    """
    try:
        remote = gateway.document(name=publication.aws_name, version="$LATEST")
    except AwsError as error:
        if error.aws_code == "InvalidDocument":
            return
        raise
    versions = publication.version.document.versions
    if not versions.filter(sha256=remote.sha256.lower()).exists():
        raise Conflict(
            f"AWS has a document named {publication.aws_name} in {publication.target} whose newest version "
            f"({remote.version}) was not written here. Publish under another name, or remove it in AWS."
        )


def _verify(publication: Publication, remote: RemoteDocument) -> None:
    """Make sure that AWS holds exactly the text that was to be published."""
    if remote.status == "Failed":
        raise Conflict(remote.failure or "AWS could not create the document and gave no reason.")
    expected = publication.version.sha256
    if remote.sha256.lower() != expected:
        raise Conflict(
            f"AWS holds another text as version {remote.version} of {remote.name}: its hash is "
            f"{remote.sha256 or 'not given'}, that of this version is {expected}. Publish again."
        )
