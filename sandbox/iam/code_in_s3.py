"""Objects of S3 that a call has Lambda fetch: the caller must be allowed to read them.

https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.calls import Call
from sandbox.iam.checks import Check
from sandbox.identity import Principal

_PLACES = {"CreateFunction": "Code", "PublishLayerVersion": "Content", "UpdateFunctionCode": None}


def checks(call: Call, principal: Principal) -> Iterator[Check]:
    """A check for the code that `call` names by its place in S3."""
    if call.service != "lambda" or call.operation not in _PLACES:
        return
    member = _PLACES[call.operation]
    code = call.params.get(member) if member else call.params
    if isinstance(code, Mapping) and code.get("S3Bucket"):
        action = "s3:GetObjectVersion" if code.get("S3ObjectVersion") else "s3:GetObject"
        place = f"arn:{principal.partition}:s3:::{code['S3Bucket']}/{code.get('S3Key', '')}"
        yield Check(action, (place,))
