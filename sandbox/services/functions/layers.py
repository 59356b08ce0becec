"""A function's files as its runtime sees them: the layers' Python code, and over it the function's own.

https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend

from sandbox.errors import AwsError

# Of a function and its layers together: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_UNZIPPED = 262_144_000


def files_of(function: LambdaFunction) -> Mapping[str, bytes]:
    """The archives to unpack, in this order: in the function's own process, since they may hold anything.

    Errors: AwsError when the code is no archive, or they are too big together.
    """
    archives: dict[str, bytes] = {}
    backend = get_backend(function.account_id, function.region)
    for number, layer in enumerate(function.layers):
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is not None and version.code_bytes:
            archives[f"{number}.layer"] = version.code_bytes
    if not function.code_bytes:
        raise AwsError("InvalidZipFileException", f"The function {function.function_name} has no code.")
    archives["function.zip"] = function.code_bytes
    if sum(map(_unzipped_bytes, archives.values())) > MOST_UNZIPPED:
        raise AwsError(
            "InvalidParameterValueException",
            f"Function code combined with layers exceeds the maximum allowed size of {MOST_UNZIPPED} bytes.",
        )
    return archives


def _unzipped_bytes(data: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise AwsError("InvalidZipFileException", "Could not unzip uploaded file.") from error
