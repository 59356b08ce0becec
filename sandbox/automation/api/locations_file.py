"""TargetLocationsURL: the target locations in a file in S3, which is read as the caller may read it.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_StartAutomationExecution.html
"""

import json
from collections.abc import Mapping
from typing import Any

from sandbox import objects
from sandbox.automation.api.errors import InvalidAutomationExecutionParametersException
from sandbox.automation.api.validation import validate
from sandbox.errors import AccessDenied

MOST_BYTES = 1024 * 1024


def with_locations(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request of StartAutomationExecution with the locations of its file, or as it is without one.

    The file holds the list, or an object with the list as its member TargetLocations. Errors:
    InvalidAutomationExecutionParametersException and ValidationException.
    """
    url = request.get("TargetLocationsURL")
    if not url:
        return request
    if request.get("TargetLocations"):
        raise _invalid("TargetLocations and TargetLocationsURL cannot be given together: use one of them.")
    try:
        read = json.loads(_text_at(url))
    except (ValueError, RecursionError) as error:
        raise _invalid(f"The file at TargetLocationsURL is not JSON: {error}") from error
    locations = read.get("TargetLocations") if isinstance(read, dict) else read
    if not isinstance(locations, list) or not all(isinstance(each, dict) for each in locations):
        raise _invalid("The file at TargetLocationsURL must hold a list of target locations.")
    filled = {**request, "TargetLocations": locations}
    try:
        validate("StartAutomationExecution", filled)
    except (AttributeError, TypeError) as error:
        raise _invalid("The file at TargetLocationsURL holds values of a wrong type.") from error
    return filled


def _text_at(url: str) -> str:
    try:
        body = objects.read(url)
    except AccessDenied as error:
        raise _invalid(f"The file at TargetLocationsURL may not be read: {error.message}") from error
    except objects.NoSuchObject as error:
        raise _invalid(f"The file at TargetLocationsURL cannot be read: {error}.") from error
    if len(body) > MOST_BYTES:
        raise _invalid(f"The file at TargetLocationsURL is longer than {MOST_BYTES} bytes.")
    return body.decode(errors="replace")


def _invalid(message: str) -> InvalidAutomationExecutionParametersException:
    return InvalidAutomationExecutionParametersException(message)
