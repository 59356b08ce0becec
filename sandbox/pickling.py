"""moto's backends as bytes and back, each by itself.

Objects that two backends share are copies of their own after a restart; backends, and AWS's managed policies,
are referred to and not copied.
"""

from __future__ import annotations

import importlib
import io
import logging
import marshal
import pickle
import threading
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.ssm.models import ParameterDict

log = logging.getLogger("sandbox.state")

BackendKey = tuple[str, str, str, str]
"""Module and class of a backend, its account, its Region (or partition, where it has no Regions)."""

_OWN_ATTRIBUTES = frozenset(("backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"))
_ATTEMPTS = 5
# They take nine tenths of the time of a dump, since each has all of Amazon's images and more.
_LARGE = frozenset({"moto.ec2.models"})
# Calls of these services change nothing of theirs.
LEAVE_THE_LARGE = frozenset({"ssm", "sts", "iam", "sqs", "logs"})


class Backends:
    """Dumps and restores all backends that exist.

    What cannot be dumped keeps its last dump, and is logged once.
    """

    def __init__(self) -> None:
        self._last: dict[BackendKey, bytes] = {}
        self._reported: set[BackendKey] = set()

    def dump(self, *, large: bool = True) -> dict[str, Any]:
        """The state of every backend, and what services keep beside their backends.

        large: whether those that are large have to be read too, or are as they were at the last dump.
        """
        for key, backend in _existing():
            if not large and key[0] in _LARGE and key in self._last:
                continue
            try:
                self._last[key] = dumps(backend.__dict__)
            except (pickle.PicklingError, TypeError, AttributeError) as error:
                if key not in self._reported:
                    self._reported.add(key)
                    log.warning("what changes in %s is not kept: %s", key, error)
        extras = {_class_of(d): dumps(_extra_attributes(d)) for d in _dictionaries() if _extra_attributes(d)}
        return {"backends": dict(self._last), "extras": extras}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `dump` gave."""
        for (module, name), dumped in state["extras"].items():
            vars(_dictionary(module, name)).update(loads(dumped))
        for key, dumped in state["backends"].items():
            _backend(key).__dict__.update(loads(dumped))
        self._last = dict(state["backends"])
        _count_attachments()


def _dictionaries() -> list[BackendDict[Any]]:
    return list(BackendDict._instances)  # type: ignore[misc]


def _class_of(dictionary: BackendDict[Any]) -> tuple[str, str]:
    return dictionary.backend.__module__, dictionary.backend.__qualname__


def _existing() -> Iterator[tuple[BackendKey, BaseBackend]]:
    for dictionary in _dictionaries():
        for account_id, regions in list(dictionary.items()):
            for region, backend in list(regions.items()):
                yield (*_class_of(dictionary), account_id, region), backend


def _extra_attributes(dictionary: BackendDict[Any]) -> dict[str, Any]:
    return {name: value for name, value in vars(dictionary).items() if name not in _OWN_ATTRIBUTES}


def _dictionary(module: str, name: str) -> BackendDict[Any]:
    for value in vars(importlib.import_module(module)).values():
        if isinstance(value, BackendDict) and value.backend.__qualname__ == name:
            return value
    # Split packages (EC2's models) keep the dictionary one level up from the backend's own module.
    parent, _, _ = module.rpartition(".")
    if not parent:
        raise pickle.UnpicklingError(f"moto has no backends of {name}")
    return _dictionary(parent, name)


def _backend(key: BackendKey) -> BaseBackend:
    module, name, account_id, region = key
    backend: BaseBackend = _dictionary(module, name)[account_id][region]
    return backend


def dumps(value: Any) -> bytes:
    """Pickle `value`. Errors: as pickle's; RuntimeError when something kept changing meanwhile."""
    for attempt in range(_ATTEMPTS):
        buffer = io.BytesIO()
        try:
            _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(value)
        except RuntimeError:
            # A dictionary changed its size under the pickler: a request was at work on it.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return buffer.getvalue()
    raise AssertionError("the last attempt returns or raises")


def loads(data: bytes) -> Any:
    """What `dumps` was given. Only for bytes that this program wrote."""
    return pickle.loads(data)  # noqa: S301 - bytes of our own state file


class _Pickler(pickle.Pickler):
    # Asked of every object that is not a plain value. `persistent_id` would be asked of those too, of which
    # there are a hundred times as many.
    def reducer_override(self, value: Any) -> Any:
        reduce = _reducer(type(value))
        return NotImplemented if reduce is None else reduce(value)


def _reduce_backend(backend: BaseBackend) -> tuple[Any, ...]:
    key = (type(backend).__module__, type(backend).__qualname__, backend.account_id, _region_of(backend))
    return _backend, (key,)


def _reduce_managed_policy(policy: AWSManagedPolicy) -> tuple[Any, ...]:
    return _managed_policy, (policy.account_id, policy.partition, policy.arn)


def _managed_policy(account_id: str, partition: str, arn: str) -> AWSManagedPolicy:
    found = iam_backends[account_id][partition].managed_policies[arn]
    assert isinstance(found, AWSManagedPolicy)
    return found


def _reduce_parameters(parameters: ParameterDict) -> tuple[Any, ...]:
    # A defaultdict with a constructor of its own, which defaultdict's reduction does not know.
    arguments = (parameters.account_id, parameters.region_name)
    return ParameterDict, arguments, vars(parameters), None, iter(dict(parameters).items())


def _reduce_function(function: types.FunctionType) -> Any:
    """The default factories of moto's dictionaries are functions without a name to find them by."""
    if "<locals>" not in function.__qualname__ or function.__closure__:
        return NotImplemented
    return _function, (function.__module__, marshal.dumps(function.__code__), function.__name__)


_REDUCERS: dict[type, Callable[[Any], Any]] = {
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    type(threading.RLock()): lambda _: (threading.RLock, ()),
    threading.Condition: lambda _: (threading.Condition, ()),
    weakref.WeakValueDictionary: lambda values: (weakref.WeakValueDictionary, (dict(values),)),
    ParameterDict: _reduce_parameters,
    types.FunctionType: _reduce_function,
    BaseBackend: _reduce_backend,
    AWSManagedPolicy: _reduce_managed_policy,
}


_reducers: dict[type, Callable[[Any], Any] | None] = {}


def _reducer(kind: type) -> Callable[[Any], Any] | None:
    if kind not in _reducers:
        _reducers[kind] = next((reduce for base, reduce in _REDUCERS.items() if issubclass(kind, base)), None)
    return _reducers[kind]


def _region_of(backend: BaseBackend) -> str:
    for dictionary in _dictionaries():
        for region, candidate in list(dictionary.get(backend.account_id, {}).items()):
            if candidate is backend:
                return region
    raise pickle.PicklingError(f"{type(backend).__qualname__} is no backend in use")


def _function(module: str, code: bytes, name: str) -> types.FunctionType:
    namespace = vars(importlib.import_module(module))
    return types.FunctionType(marshal.loads(code), namespace, name)  # noqa: S302 - bytes of our own state file


def _count_attachments() -> None:
    """AWS's managed policies are not copied, so how often each is attached is counted anew."""
    for partitions in iam_backends.values():
        for backend in partitions.values():
            holders: list[Any] = [*backend.users.values(), *backend.groups.values(), *backend.roles.values()]
            for policy in backend.aws_managed_policies:
                policy.attachment_count = 0
            for holder in holders:
                for policy in holder.managed_policies.values():
                    if isinstance(policy, AWSManagedPolicy):
                        policy.attachment_count += 1
