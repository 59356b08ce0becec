"""AWS's services and operations, read from the models that botocore brings along. No call is made.

A model is read once a process, when a document first names its service; the largest (ec2) takes a fifth of a
second.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import botocore

from ssmdoc.operation_names import operation_name


@dataclass(frozen=True)
class Operation:
    """One operation; `members` are its inputs as the model describes them, `output` its response's shape."""

    name: str
    members: Mapping[str, Any]
    required: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Service:
    """One service's model: the shapes of each operation's input and output, and every shape as JSON.

    Shapes are kept as text and read when they are asked for. A large service has ten thousand of them, and as
    objects they would make every full collection of garbage take a tenth of a second.
    """

    name: str
    metadata: Mapping[str, Any] = field(repr=False)
    inputs: Mapping[str, str] = field(repr=False)
    outputs: Mapping[str, str] = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)
    read: dict[str, Mapping[str, Any]] = field(repr=False, default_factory=dict)

    @cached_property
    def _names(self) -> dict[str, str]:
        return {name.lower(): name for name in self.inputs}

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations."""
        return tuple(self.inputs)

    def operation(self, api: str) -> Operation | None:
        """The operation that an `Api` names, however its words are joined, or None."""
        name = self._names.get(operation_name(api).lower())
        if name is None:
            return None
        shape = self.shape(self.inputs[name])
        members = MappingProxyType(shape.get("members", {}))
        return Operation(name, members, tuple(shape.get("required", ())), self.outputs[name])

    def shape(self, name: str) -> Mapping[str, Any]:
        """A shape of the model; empty when there is none of that name."""
        found = self.read.get(name)
        if found is None:
            found = self.read[name] = json.loads(self.texts.get(name, "{}"))
        return found


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """The names of all services."""
    return tuple(sorted(folder.name for folder in _data().iterdir() if folder.is_dir()))


@lru_cache(maxsize=64)
def service(name: str) -> Service | None:
    """The service of that name, in any case, or None."""
    wanted = name.lower()
    if wanted not in names():
        return None
    versions = sorted(
        folder for folder in (_data() / wanted).iterdir() if (folder / "service-2.json.gz").exists()
    )
    if not versions:
        return None
    kept = json.loads(_written_down(versions[-1] / "service-2.json.gz"))
    return Service(wanted, kept["metadata"], kept["inputs"], kept["outputs"], kept["texts"])


def _written_down(path: Path) -> str:
    """What is kept of a model, as text: strings of the whole would hold the memory around them."""
    with gzip.open(path) as file:
        model = json.load(file)
    operations = model["operations"]
    return json.dumps(
        {
            "metadata": model["metadata"],
            "inputs": {name: item.get("input", {}).get("shape", "") for name, item in operations.items()},
            "outputs": {name: item.get("output", {}).get("shape", "") for name, item in operations.items()},
            "texts": {name: json.dumps(_bare(shape)) for name, shape in model["shapes"].items()},
        }
    )


def _bare(shape: Mapping[str, Any]) -> dict[str, Any]:
    """A shape without its documentation, which is most of a model."""
    found = {key: value for key, value in shape.items() if key != "documentation"}
    members = found.get("members")
    if isinstance(members, dict):
        found["members"] = {name: {"shape": member["shape"]} for name, member in members.items()}
    return found


def _data() -> Path:
    return Path(botocore.__file__).parent / "data"
