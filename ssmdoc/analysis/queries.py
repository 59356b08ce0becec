"""What a query of Athena needs besides Athena: the catalogue that it names and the buckets that it uses.

Athena asks for these with the permissions of who starts the query.
https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ssmdoc.analysis.needs import Call, Need
from ssmdoc.analysis.resources import Place, literal

_READING = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable")
# What a statement changes in the catalogue, by how it begins.
_CHANGES: Mapping[str, tuple[str, ...]] = {
    r"CREATE\s+(?:EXTERNAL\s+)?TABLE|CREATE\s+VIEW": ("glue:CreateTable",),
    r"CREATE\s+OR\s+REPLACE\s+VIEW": ("glue:CreateTable", "glue:UpdateTable"),
    r"CREATE\s+(?:DATABASE|SCHEMA)": ("glue:CreateDatabase",),
    r"DROP\s+(?:TABLE|VIEW)": ("glue:DeleteTable",),
    r"DROP\s+(?:DATABASE|SCHEMA)": ("glue:DeleteDatabase", "glue:DeleteTable", "glue:GetTables"),
    r"ALTER\s+TABLE\s+\S+\s+ADD": ("glue:BatchCreatePartition", "glue:UpdateTable"),
    r"ALTER\s+TABLE\s+\S+\s+DROP": ("glue:BatchDeletePartition", "glue:GetPartition"),
    r"MSCK": ("glue:BatchCreatePartition",),
}
_PUTTING = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:PutObject")
_LOCATION = re.compile(r"s3://([^/]+)(?:/(.*))?\Z", re.DOTALL)


def needed(call: Call, place: Place) -> Iterator[Need]:
    """The needs of a call of Athena that starts a query or reads what one gave."""
    anywhere = f"arn:{place.partition}:s3:::*"
    if call.operation == "GetQueryResults":
        yield Need(
            "s3:GetObject", (anywhere,), {}, f"{call.source} reads what the query wrote to its bucket."
        )
    if call.operation != "StartQueryExecution":
        return
    catalogue = tuple(
        f"arn:{place.partition}:glue:{place.region}:{place.account}:{part}"
        for part in ("catalog", "database/*", "table/*")
    )
    statement = call.arguments.get("QueryString")
    text = statement if isinstance(statement, str) else ""
    changes = [
        action
        for start, actions in _CHANGES.items()
        if re.match(rf"\s*(?:{start})\b", text, re.IGNORECASE)
        for action in actions
    ]
    for action in sorted({*_READING, *changes}):
        yield Need(action, catalogue, {}, f"{call.source} runs a query, which asks the catalogue of Glue.")
    bucket, objects = _results(call, place)
    why = f"{call.source} runs a query, which writes its result to a bucket."
    for action in _PUTTING:
        yield Need(action, (objects,), {}, why)
    yield Need("s3:ListBucketMultipartUploads", (bucket,), {}, why)
    # Which buckets the tables' data lies in is the catalogue's to say.
    for action in ("s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"):
        yield Need(action, (anywhere,), {}, f"{call.source} runs a query, which reads from buckets.")


def _results(call: Call, place: Place) -> tuple[str, str]:
    """(the bucket that results are written to, the objects), as ARNs."""
    settings = call.arguments.get("ResultConfiguration")
    location = settings.get("OutputLocation") if isinstance(settings, Mapping) else None
    found = _LOCATION.match(literal(location, place))
    root = f"arn:{place.partition}:s3:::"
    if not found:
        return f"{root}*", f"{root}*"
    prefix = (found.group(2) or "").rstrip("*")
    return f"{root}{found.group(1)}", f"{root}{found.group(1)}/{prefix}*"
