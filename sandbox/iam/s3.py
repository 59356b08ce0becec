"""What S3 calls act on.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from sandbox.calls import Call
from sandbox.iam.actions import iam_action
from sandbox.iam.checks import Check
from sandbox.identity import Principal


def checks(call: Call, principal: Principal) -> list[Check]:
    """The checks of an S3 call: the bucket, the object, or each of the objects."""
    return list(_checks(call, principal))


def _checks(call: Call, principal: Principal) -> Iterator[Check]:
    action = iam_action(call)
    base = f"arn:{principal.partition}:s3:::"
    bucket, key = call.params.get("Bucket"), call.params.get("Key")
    if not bucket:
        yield Check(action)
    elif call.operation == "DeleteObjects":
        for item in (call.params.get("Delete") or {}).get("Objects") or []:
            yield Check(action, (f"{base}{bucket}/{item.get('Key', '')}",))
    elif key:
        yield Check(action, (f"{base}{bucket}/{key}",))
    else:
        context = {f"s3:{name.lower()}": call.params[n] for name, n in _LISTING.items() if call.params.get(n)}
        yield Check(action, (f"{base}{bucket}",), {k: str(v) for k, v in context.items()})
    source = call.params.get("CopySource")
    if isinstance(source, str):
        path, _, version = source.partition("?versionId=")
        yield Check("s3:GetObjectVersion" if version else "s3:GetObject", (base + unquote(path).lstrip("/"),))


_LISTING = {"prefix": "Prefix", "delimiter": "Delimiter", "max-keys": "MaxKeys"}
