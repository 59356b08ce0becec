"""S3's PutBucketLogging: whether the target bucket's policy lets the logging service write to it. And buckets
of other accounts: S3's own calls are judged by `sandbox.iam.foreign`, and no other service reads them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
"""

from __future__ import annotations

import moto.s3.models
from moto.s3.models import FakeBucket

from sandbox.calls import current_call
from sandbox.iam.policy import Decision, MalformedPolicy, Request, parse_policy, strongest
from sandbox.iam.trust import Service, is_named

LOGGING = Service("logging.s3.amazonaws.com")


def install() -> None:
    """Evaluate the policy as every other is: moto stumbles over a Principal of `*`, and over wildcards."""

    def lets_log(target_bucket: FakeBucket, target_prefix: str | None) -> bool:
        written = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
        request = Request("s3:PutObject", written)
        try:
            policy = parse_policy((target_bucket.policy or b"").decode())
        except MalformedPolicy:
            return False
        named = (statement for statement in policy.statements if is_named(statement, LOGGING))
        return strongest(statement.evaluate(request) for statement in named) is Decision.ALLOW

    FakeBucket._log_permissions_enabled_policy = staticmethod(lets_log)  # type: ignore[method-assign]
    vars(moto.s3.models)["s3_allow_crossdomain_access"] = _called


def _called() -> bool:
    call = current_call.get(None)
    return call is not None and call.service == "s3"
