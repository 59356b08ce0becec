"""What is kept of the data files of botocore and moto: each is read once, and no more of it than is used.

Left alone, every session parses EC2's model anew and keeps it, documentation and all, and moto holds all
types of instance, and for all Regions which of them these offer: two thirds of an idle sandbox's memory.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import botocore.loaders
import moto.iam
import moto.iam.models
import moto.utilities.utils

from ssmdoc.model_files import ModelFiles

TYPES = "ec2/resources/instance_types.json"
OFFERINGS = "ec2/resources/instance_type_offerings"
POLICIES = "moto.iam.aws_managed_policies"


def economise() -> None:
    """Have botocore and moto read their files like this. Call before anything else imports moto's EC2."""
    _share_models()
    _read_types_late()
    _forget_policies()


def _share_models() -> None:
    botocore.loaders.Loader.FILE_LOADER_CLASS = ModelFiles
    botocore.loaders.deep_merge = _merge


def _merge(base: MutableMapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Add what one loader's extras say to a model, in copies: other loaders share its parts."""
    for name, value in extra.items():
        part = base.get(name)
        if isinstance(part, dict) and isinstance(value, dict):
            base[name] = dict(part)
            _merge(base[name], value)
        else:
            base[name] = value


class _Offerings(Mapping[str, list[dict[str, str]]]):
    """Which types of instance each Region, or each of its zones, offers: read when it is asked for."""

    def __init__(self, location_type: str, regions: Mapping[str, Any]) -> None:
        self._location_type = location_type
        self._regions = tuple(regions)
        self._read: dict[str, list[dict[str, str]]] = {}

    def __getitem__(self, region: str) -> list[dict[str, str]]:
        if region not in self._read:
            if region not in self._regions:
                raise KeyError(region)
            found = moto.utilities.utils.load_resource(f"{OFFERINGS}/{self._location_type}/{region}.json")
            self._read[region] = [{**offer, "LocationType": self._location_type} for offer in found]
        return self._read[region]

    def __iter__(self) -> Iterator[str]:
        return iter(self._regions)

    def __len__(self) -> int:
        return len(self._regions)


class _Types(Mapping[str, dict[str, Any]]):
    """All types of instance: read when the first is asked for."""

    @functools.cached_property
    def _read(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = moto.utilities.utils.load_resource(TYPES)
        return found

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


class _Families:
    """The families of these types: `m5` is that of `m5.large`."""

    def __init__(self, types: _Types) -> None:
        self._types = types

    def __contains__(self, family: object) -> bool:
        return any(name.partition(".")[0] == family for name in self._types)


def _read_types_late() -> None:
    load = moto.utilities.utils.load_resource

    def load_resource(resource: str) -> Any:
        if resource == TYPES:
            return {}
        return [] if resource.startswith(OFFERINGS) else load(resource)

    # moto reads them all when it is imported.
    moto.utilities.utils.load_resource = load_resource
    try:
        types: Any = importlib.import_module("moto.ec2.models.instance_types")
    finally:
        moto.utilities.utils.load_resource = load
    for location_type, regions in types.INSTANCE_TYPE_OFFERINGS.items():
        types.INSTANCE_TYPE_OFFERINGS[location_type] = _Offerings(location_type, regions)
    types.INSTANCE_TYPES = _Types()
    types.INSTANCE_FAMILIES = _Families(types.INSTANCE_TYPES)
    make = functools.cache(lambda: [types.InstanceType(name) for name in types.INSTANCE_TYPES])
    types.InstanceTypeBackend.instance_types = property(lambda backend: make())


def _forget_policies() -> None:
    """Keep the text of AWS's managed policies no longer than it takes to make an account's policies of it."""
    backend: Any = moto.iam.models.IAMBackend
    models: Any = moto.iam.models
    make = backend._init_aws_policies
    one_at_a_time = threading.Lock()

    def forget() -> None:
        models.aws_managed_policies_data = ""
        sys.modules.pop(POLICIES, None)
        vars(moto.iam).pop(POLICIES.rpartition(".")[2], None)

    def init_aws_policies(self: Any) -> Any:
        with one_at_a_time:
            models.aws_managed_policies_data = importlib.import_module(POLICIES).aws_managed_policies_data
            try:
                return make(self)
            finally:
                forget()

    backend._init_aws_policies = init_aws_policies
    forget()
