"""JSON request bodies, read as strictly as AWS reads them: what does not fit the model goes no further.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from botocore.model import ListShape, MapShape, Shape, StructureShape

from sandbox.errors import AwsError

_TOKENS = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}
_SCALARS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "string": ("a String", str),
    "integer": ("an Integer", int),
    "long": ("a Long", int),
    "float": ("a Float", (int, float)),
    "double": ("a Double", (int, float)),
    "boolean": ("a Boolean", bool),
}


def read_object(body: bytes) -> dict[str, Any]:
    """The members of a body; none when it is empty.

    Errors: AwsError with SerializationException when it is no JSON object in UTF-8.
    """
    try:
        members = json.loads(body.decode() or "{}", parse_constant=_no_number)
        if b"\\u" in body:
            # Half of a surrogate pair can be written as an escape, and fails wherever the text is encoded.
            json.dumps(members, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(members, dict):
        raise AwsError("SerializationException", "The request body must be a JSON object.")
    return members


def check_types(value: Any, shape: Shape | None) -> None:
    """Raise AwsError with SerializationException unless every value has the type that the model gives it.

    Members that the model does not have are ignored, as AWS ignores them; a null is a member left out.
    """
    if shape is None or value is None or getattr(shape, "is_document_type", False):
        return
    if isinstance(shape, StructureShape):
        _expect(value, dict, "map")
        for name, member in shape.members.items():
            check_types(value.get(member.serialization.get("name", name)), member)
    elif isinstance(shape, MapShape):
        _expect(value, dict, "map")
        for item in value.values():
            check_types(item, shape.value)
    elif isinstance(shape, ListShape):
        _expect(value, list, "list")
        for item in value:
            if item is None:
                raise AwsError("SerializationException", "Unexpected null in a list")
            check_types(item, shape.member)
    elif shape.type_name in _SCALARS:
        name, kind = _SCALARS[shape.type_name]
        # Python counts True among the integers.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            _refuse(value, name)


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _expect(value: Any, kind: type, name: str) -> None:
    if not isinstance(value, kind):
        raise AwsError("SerializationException", f"Expected {name} or null")


def _refuse(value: Any, name: str) -> NoReturn:
    if isinstance(value, dict):
        raise AwsError("SerializationException", "Start of structure or map found where not expected.")
    if isinstance(value, list):
        raise AwsError("SerializationException", "Start of list found where not expected")
    raise AwsError("SerializationException", f"{_TOKENS[type(value)]} can not be converted to {name}")
