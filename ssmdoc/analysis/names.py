"""From a service's operation to the IAM actions that allow it.

Most operations are an action of the same name under the prefix that the service signs with; the tables hold
what the Service Authorization Reference names otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from ssmdoc import apis
from ssmdoc.analysis import reference
from ssmdoc.operation_names import operation_name

# Prefixes that the model of the service does not give.
_PREFIXES = {
    "resourcegroupstaggingapi": "tag",
    "cloudcontrol": "cloudformation",
    "iot-data": "iot",
    "iot-jobs-data": "iotjobsdata",
    "iotsecuretunneling": "iot",
    "mturk": "mechanicalturk",
    "partnercentral-selling": "partnercentral",
    "partnercentral-account": "partnercentral",
    "partnercentral-benefits": "partnercentral",
    "partnercentral-channel": "partnercentral",
    "connectparticipant": "connect",
    "sso-oidc": "sso-oauth",
}

# Every caller may do these, whatever its policies say.
FREE = ("sts:GetCallerIdentity", "sts:GetSessionToken", "sts:GetAccessKeyInfo")

_S3_KINDS = ("Analytics", "Inventory", "Metrics", "IntelligentTiering")
_S3: Mapping[str, tuple[str, ...]] = {
    "HeadBucket": ("ListBucket",),
    "ListObjects": ("ListBucket",),
    "ListObjectsV2": ("ListBucket",),
    "ListObjectVersions": ("ListBucketVersions",),
    "ListBuckets": ("ListAllMyBuckets",),
    "ListDirectoryBuckets": ("s3express:ListAllMyDirectoryBuckets",),
    "CreateSession": ("s3express:CreateSession",),
    "ListMultipartUploads": ("ListBucketMultipartUploads",),
    "ListParts": ("ListMultipartUploadParts",),
    "HeadObject": ("GetObject",),
    "CopyObject": ("GetObject", "PutObject"),
    "UploadPartCopy": ("GetObject", "PutObject"),
    "UploadPart": ("PutObject",),
    "CreateMultipartUpload": ("PutObject",),
    "CompleteMultipartUpload": ("PutObject",),
    "SelectObjectContent": ("GetObject",),
    "GetObjectTorrent": ("GetObject",),
    "DeleteObjects": ("DeleteObject",),
    "RenameObject": ("DeleteObject", "GetObject", "PutObject"),
    "WriteGetObjectResponse": ("s3-object-lambda:WriteGetObjectResponse",),
    "GetBucketEncryption": ("GetEncryptionConfiguration",),
    "PutBucketEncryption": ("PutEncryptionConfiguration",),
    "DeleteBucketEncryption": ("PutEncryptionConfiguration",),
    "GetBucketLifecycle": ("GetLifecycleConfiguration",),
    "GetBucketLifecycleConfiguration": ("GetLifecycleConfiguration",),
    "PutBucketLifecycle": ("PutLifecycleConfiguration",),
    "PutBucketLifecycleConfiguration": ("PutLifecycleConfiguration",),
    "DeleteBucketLifecycle": ("PutLifecycleConfiguration",),
    "GetBucketReplication": ("GetReplicationConfiguration",),
    "PutBucketReplication": ("PutReplicationConfiguration",),
    "DeleteBucketReplication": ("PutReplicationConfiguration",),
    "GetBucketNotificationConfiguration": ("GetBucketNotification",),
    "PutBucketNotificationConfiguration": ("PutBucketNotification",),
    "GetBucketCors": ("GetBucketCORS",),
    "PutBucketCors": ("PutBucketCORS",),
    "DeleteBucketCors": ("PutBucketCORS",),
    "DeleteBucketTagging": ("PutBucketTagging",),
    "DeleteBucketOwnershipControls": ("PutBucketOwnershipControls",),
    "GetPublicAccessBlock": ("GetBucketPublicAccessBlock",),
    "PutPublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "DeletePublicAccessBlock": ("PutBucketPublicAccessBlock",),
    "GetObjectLockConfiguration": ("GetBucketObjectLockConfiguration",),
    "PutObjectLockConfiguration": ("PutBucketObjectLockConfiguration",),
    "GetBucketAccelerateConfiguration": ("GetAccelerateConfiguration",),
    "PutBucketAccelerateConfiguration": ("PutAccelerateConfiguration",),
    **{f"GetBucket{kind}Configuration": (f"Get{kind}Configuration",) for kind in _S3_KINDS},
    **{f"ListBucket{kind}Configurations": (f"Get{kind}Configuration",) for kind in _S3_KINDS},
    **{f"PutBucket{kind}Configuration": (f"Put{kind}Configuration",) for kind in _S3_KINDS},
    **{f"DeleteBucket{kind}Configuration": (f"Put{kind}Configuration",) for kind in _S3_KINDS},
}
_VERSIONED = ("s3:GetObject", "s3:DeleteObject")
_VERSIONED_TAGS = {
    f"s3:{verb}Object{what}": f"s3:{verb}ObjectVersion{what}"
    for verb in ("Get", "Put", "Delete")
    for what in ("Acl", "Attributes", "Tagging")
}
_S3_CONTROL = {
    "GetPublicAccessBlock": ("GetAccountPublicAccessBlock",),
    "PutPublicAccessBlock": ("PutAccountPublicAccessBlock",),
    "DeletePublicAccessBlock": ("PutAccountPublicAccessBlock",),
}
_EXCEPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "s3": _S3,
    "s3control": _S3_CONTROL,
    "lambda": {
        "Invoke": ("InvokeFunction",),
        "InvokeWithResponseStream": ("InvokeFunction",),
        "GetLayerVersionByArn": ("GetLayerVersion",),
    },
    "sns": {"PublishBatch": ("Publish",)},
    "sqs": {
        "SendMessageBatch": ("SendMessage",),
        "DeleteMessageBatch": ("DeleteMessage",),
        "ChangeMessageVisibilityBatch": ("ChangeMessageVisibility",),
    },
    "dynamodb": {
        "ExecuteStatement": ("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        "BatchExecuteStatement": ("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        "ExecuteTransaction": ("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
        "TransactGetItems": ("GetItem",),
        "TransactWriteItems": ("ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"),
    },
    "bedrock-runtime": {
        "Converse": ("InvokeModel",),
        "ConverseStream": ("InvokeModelWithResponseStream",),
        "StartAsyncInvoke": ("InvokeModel",),
    },
    "cloudfront": {
        "CreateDistributionWithTags": ("CreateDistribution", "TagResource"),
    },
    "cloudsearchdomain": {"Search": ("search",), "Suggest": ("suggest",), "UploadDocuments": ("document",)},
    "accessanalyzer": {"GetFindingV2": ("GetFinding",), "ListFindingsV2": ("ListFindings",)},
    "apigatewaymanagementapi": dict.fromkeys(
        ("DeleteConnection", "GetConnection", "PostToConnection"), ("ManageConnections",)
    ),
    "budgets": {
        **dict.fromkeys(
            (
                "CreateBudget",
                "CreateNotification",
                "CreateSubscriber",
                "DeleteBudget",
                "DeleteNotification",
                "DeleteSubscriber",
                "UpdateBudget",
                "UpdateNotification",
                "UpdateSubscriber",
            ),
            ("ModifyBudget",),
        ),
        **dict.fromkeys(
            (
                "DescribeBudget",
                "DescribeBudgetNotificationsForAccount",
                "DescribeBudgetPerformanceHistory",
                "DescribeBudgets",
                "DescribeNotificationsForBudget",
                "DescribeSubscribersForNotification",
            ),
            ("ViewBudget",),
        ),
    },
    "keyspaces": {
        **dict.fromkeys(("CreateKeyspace", "CreateTable", "CreateType", "RestoreTable"), ("Create",)),
        **dict.fromkeys(("DeleteKeyspace", "DeleteTable", "DeleteType"), ("Drop",)),
        **dict.fromkeys(("UpdateKeyspace", "UpdateTable"), ("Alter",)),
        **dict.fromkeys(
            (
                "GetKeyspace",
                "GetTable",
                "GetTableAutoScalingSettings",
                "GetType",
                "ListKeyspaces",
                "ListTables",
                "ListTagsForResource",
                "ListTypes",
            ),
            ("Select",),
        ),
    },
    "timestream-query": {"Query": ("Select",)},
    "verifiedpermissions": {
        "BatchGetPolicy": ("GetPolicy",),
        "BatchIsAuthorized": ("IsAuthorized",),
        "BatchIsAuthorizedWithToken": ("IsAuthorizedWithToken",),
    },
    "redshift-data": {"GetStatementResultV2": ("GetStatementResult",)},
    "kms": {"ReEncrypt": ("ReEncryptFrom", "ReEncryptTo")},
}
_GATEWAYS = ("apigateway", "apigatewayv2")


@lru_cache(maxsize=4096)
def iam_actions(service: str, operation: str) -> tuple[str, ...]:
    """The IAM actions that allow an operation, as ``prefix:Name``; its best guess where nothing is known.

    `service` is the SDK's name of the service, in any case; `operation` in any of its writings. Empty for
    what needs no permission. Whether an action exists is `reference.action`'s to say.
    """
    known = apis.service(service)
    name = operation_name(operation)
    found = known.operation(name) if known else None
    name = found.name if found else name
    service = service.lower()
    if service in _GATEWAYS:
        return (f"apigateway:{_verb(name)}",)
    special = _EXCEPTIONS.get(service, {}).get(name)
    if special:
        prefix = prefix_of(service)
        return tuple(item if ":" in item else f"{prefix}:{item}" for item in special)
    candidates = _candidates(service)
    for prefix in candidates:
        action = reference.action(f"{prefix}:{name}")
        if action is not None:
            return () if action.full_name in FREE else (action.full_name,)
    return () if f"{candidates[0]}:{name}" in FREE else (f"{candidates[0]}:{name}",)


def for_version(action: str) -> str:
    """The action where a call names a version of an object: S3 has permissions of its own for those."""
    return f"{action}Version" if action in _VERSIONED else _VERSIONED_TAGS.get(action, action)


def prefix_of(service: str) -> str:
    """The prefix of a service's actions."""
    return _candidates(service.lower())[0]


def known(action: str) -> bool:
    """Whether the Service Authorization Reference has the action."""
    return reference.action(action) is not None


@lru_cache(maxsize=512)
def _candidates(service: str) -> tuple[str, ...]:
    model = apis.service(service)
    metadata = model.metadata if model else {}
    names = (
        _PREFIXES.get(service),
        metadata.get("signingName"),
        metadata.get("endpointPrefix"),
        service,
    )
    prefixes = tuple(dict.fromkeys(name for name in names if name in reference.prefixes()))
    return prefixes or (service,)


def _verb(operation: str) -> str:
    """API Gateway's actions are the methods of HTTP.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-iam-policy-examples.html
    """
    verbs = {
        "Get": "GET",
        "Test": "POST",
        "Create": "POST",
        "Generate": "POST",
        "Update": "PATCH",
        "Delete": "DELETE",
        "Flush": "DELETE",
        "Reset": "DELETE",
        "Import": "POST",
        "Put": "PUT",
        "Tag": "PUT",
        "Untag": "DELETE",
        "Reimport": "PUT",
        "Export": "GET",
    }
    return next((verb for start, verb in verbs.items() if operation.startswith(start)), "POST")
