"""Objects of S3 that requests to other services name by an address, read as whoever asks may read them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from moto.s3.models import s3_backends

from sandbox.authorization import authorise
from sandbox.identity import current_principal


class NoSuchObject(LookupError):
    """An address names no object, or none that is there."""


def read(url: str) -> bytes:
    """The object at an address, in any of S3's forms or this sandbox's own.

    Errors: NoSuchObject; AccessDenied when the caller may not read it.
    """
    bucket, key = bucket_and_key(url)
    if not bucket or not key:
        raise NoSuchObject("it is no address of an object in S3")
    principal = current_principal()
    authorise(principal, "s3:GetObject", f"arn:{principal.partition}:s3:::{bucket}/{key}")
    stored = s3_backends[principal.account_id][principal.partition].buckets.get(bucket)
    found = stored.keys.get(key) if stored is not None else None
    if found is None:
        raise NoSuchObject("there is no such object in S3")
    return bytes(found.value)


def bucket_and_key(url: str) -> tuple[str, str]:
    """Bucket and key that a URL of S3, or of this sandbox, names; two empty texts when it names none."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    if parts.scheme == "s3":
        return parts.netloc, path
    first, _, rest = host.partition(".")
    if host in ("127.0.0.1", "localhost", "::1") or first == "s3" or first.startswith("s3-"):
        bucket, _, key = path.partition("/")
        return bucket, key
    if rest.startswith(("s3.", "s3-")) and parts.scheme in ("http", "https"):
        return first, path
    # A bucket's name may hold dots.
    name, separator, _ = host.rpartition(".s3.")
    return (name, path) if separator else ("", "")
