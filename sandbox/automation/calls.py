"""AWS API calls as documents word them: finding the operation, fitting the inputs, plain responses.

A document may write a service and an operation in any case (`EC2`, `describe_instances`), and gives every
value as text, a list or a map; botocore's model says what the API wants
(https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html).
"""

import base64
import datetime as dt
import functools
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import botocore.loaders
import botocore.session
from botocore.model import OperationModel, Shape
from botocore.response import StreamingBody

from sandbox.automation.outcomes import InvalidInputs, StepFailed

STREAMED = frozenset({("lambda", "Invoke")})
READS = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Check", "Test")


@functools.cache
def loader() -> botocore.loaders.Loader:
    """One loader for all sessions: botocore's models are big, and each loader would parse them anew."""
    found: botocore.loaders.Loader = botocore.session.Session().get_component("data_loader")
    return found


@functools.cache
def _services() -> Mapping[str, str]:
    names = loader().list_available_services("service-2")
    return {_folded(name): name for name in names} | {"states": "stepfunctions", "eventbridge": "events"}


def _folded(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


def service_name(written: str) -> str:
    """botocore's name of the service that a document calls `written`; InvalidInputs when there is none."""
    try:
        return _services()[_folded(written)]
    except KeyError:
        raise InvalidInputs(f"The service {written} is not a known AWS service namespace.") from None


@functools.cache
def operation(service: str, written: str) -> OperationModel:
    """The operation that a document calls `written`; InvalidInputs when the service has none such."""
    model = botocore.session.Session()
    model.register_component("data_loader", loader())
    service_model = model.get_service_model(service)
    for name in service_model.operation_names:
        if _folded(name) == _folded(written):
            return service_model.operation_model(name)
    raise InvalidInputs(f"The service {service} has no API operation named {written}.")


def reads_only(operation_name: str) -> bool:
    """Whether calling the operation twice is harmless because it changes nothing."""
    return operation_name.startswith(READS)


def fit(value: Any, shape: Shape | None) -> Any:
    """`value` in the type that botocore's `shape` asks for, where a document's text can mean it.

    Raises InvalidInputs when it cannot.
    """
    if shape is None or value is None:
        return value
    fitter = _FITTERS.get(shape.type_name)
    return fitter(value, shape) if fitter else value


def _fit_structure(value: Any, shape: Any) -> Any:
    value = _parsed(value)
    if not isinstance(value, Mapping):
        raise InvalidInputs(f"The input {shape.name} must be a map, not {value!r}.")
    members = {name.lower(): name for name in shape.members}
    fitted = {}
    for key, item in value.items():
        name = key if key in shape.members else members.get(str(key).lower(), key)
        fitted[name] = fit(item, shape.members.get(name))
    return fitted


def _fit_list(value: Any, shape: Any) -> list[Any]:
    value = _parsed(value)
    items = value if isinstance(value, list) else [value]
    fitted: list[Any] = []
    for item in items:
        # `[ "{{ launch.InstanceIds }}" ]` is how documents pass on a list: AWS lays the inner one flat.
        if isinstance(item, list) and shape.member.type_name != "list":
            fitted.extend(fit(inner, shape.member) for inner in item)
        else:
            fitted.append(fit(item, shape.member))
    return fitted


def _fit_map(value: Any, shape: Any) -> Any:
    value = _parsed(value)
    if not isinstance(value, Mapping):
        raise InvalidInputs(f"The input {shape.name} must be a map, not {value!r}.")
    return {str(key): fit(item, shape.value) for key, item in value.items()}


def _fit_integer(value: Any, shape: Shape) -> Any:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InvalidInputs(f"The input {shape.name} must be a whole number, not {value!r}.") from None


def _fit_float(value: Any, shape: Shape) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInputs(f"The input {shape.name} must be a number, not {value!r}.") from None


def _fit_boolean(value: Any, shape: Shape) -> Any:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    raise InvalidInputs(f"The input {shape.name} must be true or false, not {value!r}.")


def _fit_string(value: Any, _shape: Shape) -> str | bytes:
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    return json.dumps(value)


def _fit_blob(value: Any, _shape: Shape) -> Any:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


_FITTERS = {
    "structure": _fit_structure,
    "list": _fit_list,
    "map": _fit_map,
    "integer": _fit_integer,
    "long": _fit_integer,
    "float": _fit_float,
    "double": _fit_float,
    "boolean": _fit_boolean,
    "string": _fit_string,
    "blob": _fit_blob,
}


def _parsed(value: Any) -> Any:
    """The list or map that a text spells in JSON, or the value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def whole(model: OperationModel, response: dict[str, Any]) -> dict[str, Any]:
    """A response with the payload read that is a stream for no other reason than that it may be long."""
    if (model.service_model.service_name, model.name) in STREAMED:
        return {
            name: value.read() if isinstance(value, StreamingBody) else value
            for name, value in response.items()
        }
    return response


def plain(value: Any) -> Any:
    """A response as JSON could carry it: times in ISO 8601, bytes as text or base64."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return _text_of(value)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, StreamingBody):
        raise StepFailed("The API operation answers with a stream, which Automation does not support.")
    return value


def _text_of(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
