"""IAM's name for an operation: `prefix:Operation`, with the exceptions.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.calls import Call

_PREFIXES = {
    "monitoring": "cloudwatch",
    "email": "ses",
    "ingest.timestream": "timestream",
    "query.timestream": "timestream",
    "iotdata": "iot",
    "tagging": "tag",
    "eventbridge": "events",
}

_BUCKET_CONFIGURATIONS = {
    f"{verb}Bucket{kind}Configuration": f"{'Get' if verb in ('Get', 'List') else 'Put'}{kind}Configuration"
    for verb in ("Get", "Put", "Delete", "List")
    for kind in ("Accelerate", "Analytics", "Inventory", "Metrics", "IntelligentTiering")
}
_S3 = {
    **_BUCKET_CONFIGURATIONS,
    "AbortMultipartUpload": "AbortMultipartUpload",
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectAttributes": "GetObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "RestoreObject": "RestoreObject",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_OPERATIONS: Mapping[str, Mapping[str, str]] = {
    "s3": _S3,
    "lambda": {
        "Invoke": "InvokeFunction",
        "InvokeAsync": "InvokeFunction",
        "InvokeWithResponseStream": "InvokeFunction",
        "GetLayerVersionByArn": "GetLayerVersion",
    },
    "sqs": {
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        "DeleteMessageBatch": "DeleteMessage",
        "SendMessageBatch": "SendMessage",
    },
    "sns": {"PublishBatch": "Publish"},
    "dynamodb": {"TransactGetItems": "GetItem"},
}
_VERSIONED_OBJECTS = {
    "GetObject",
    "DeleteObject",
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
}


def iam_prefix(call: Call) -> str:
    """The service's prefix in IAM actions."""
    return _PREFIXES.get(call.signing_name, call.signing_name)


def iam_action(call: Call) -> str:
    """The action that a policy must allow for `call`. API Gateway's are HTTP verbs."""
    prefix = iam_prefix(call)
    if call.service in ("apigateway", "apigatewayv2"):
        return f"{prefix}:{call.http_method}"
    name = _OPERATIONS.get(call.service, {}).get(call.operation, call.operation)
    if call.service == "s3" and name in _VERSIONED_OBJECTS and call.params.get("VersionId"):
        name = name.replace("Object", "ObjectVersion", 1)
    return f"{prefix}:{name}"
