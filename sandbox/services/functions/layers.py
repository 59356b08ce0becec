"""A function's files as its runtime sees them: the layers' Python code, and over it the function's own.

https://docs.aws.amazon.com/lambda/latest/dg/python-layers.html
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

from moto.awslambda.models import LambdaFunction
from moto.awslambda.utils import get_backend

from sandbox.errors import AwsError

MOST_UNZIPPED = 262_144_000
_PYTHON = re.compile(r"python/(?:lib/python3\.\d+/site-packages/)?(?P<path>.+)")


def files_of(function: LambdaFunction) -> Mapping[str, bytes]:
    """The archives to unpack, in this order. Errors: AwsError when the code is no archive, or too big."""
    archives: dict[str, bytes] = {}
    backend = get_backend(function.account_id, function.region)
    for number, layer in enumerate(function.layers):
        version = backend.layers_versions_by_arn(layer["Arn"])
        if version is not None and version.code_bytes:
            archives[f"layer-{number}.zip"] = _python_of(version.code_bytes)
    if not function.code_bytes:
        raise AwsError("InvalidZipFileException", f"The function {function.function_name} has no code.")
    _open(function.code_bytes).close()
    archives["function.zip"] = function.code_bytes
    return archives


def _open(data: bytes) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError) as error:
        raise AwsError("InvalidZipFileException", "Could not unzip uploaded file.") from error
    if sum(entry.file_size for entry in archive.infolist()) > MOST_UNZIPPED:
        raise AwsError("InvalidZipFileException", f"Unzipped size must be smaller than {MOST_UNZIPPED} bytes")
    return archive


def _python_of(data: bytes) -> bytes:
    """What of a layer is on Python's path, where a function's own files are: at the root."""
    laid_out = io.BytesIO()
    try:
        with _open(data) as archive, zipfile.ZipFile(laid_out, "w") as written:
            for entry in archive.infolist():
                match = _PYTHON.fullmatch(entry.filename)
                if match and not entry.is_dir():
                    written.writestr(match["path"], archive.read(entry))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise AwsError("InvalidZipFileException", "Could not unzip a layer of the function.") from error
    return laid_out.getvalue()
