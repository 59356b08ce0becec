"""moto's backends as bytes and back, each by itself.

Objects that two backends share are copies of their own after a restart; backends, and AWS's managed policies,
are referred to and not copied.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import logging
import marshal
import pickle
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.ssm.models import ParameterDict

log = logging.getLogger("sandbox.state")

BackendKey = tuple[str, str, str, str]
"""Module and class of a backend, its account, its Region (or partition, where it has no Regions)."""

# What lies beside the backends of a class is kept under the first two of these.
_BESIDE = 2

_OWN_ATTRIBUTES = frozenset(("backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"))
_ATTEMPTS = 5
# They take nearly all of the time, since they hold all of Amazon's images and managed policies. Each with the
# services whose calls change nothing of theirs.
_LARGE = {
    "moto.ec2.models": frozenset({"ssm", "sts", "iam", "sqs", "logs"}),
    "moto.iam.models": frozenset({"ssm", "sts", "ec2", "sqs", "logs"}),
}


class Backends:
    """All backends that exist, as parts of the state.

    What cannot be pickled keeps what was pickled of it last, and is logged once.
    """

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self._reported: set[str] = set()
        self._touched = set(_LARGE)

    def touch(self, service: str) -> None:
        """A call of `service` may have changed something; "" when it may have been anything."""
        self._touched.update(module for module, leave in _LARGE.items() if service not in leave)

    def changes(self) -> dict[str, bytes | None]:
        """What is new of all backends, and of what services keep beside their backends."""
        touched, self._touched = self._touched, set()
        changed: dict[str, bytes | None] = {}
        try:
            for key, backend in _existing():
                if key[0] not in _LARGE or key[0] in touched or "/".join(key) not in self._digests:
                    self._note(changed, "/".join(key), backend.__dict__)
            for dictionary in _dictionaries():
                if extras := _extra_attributes(dictionary):
                    self._note(changed, "/".join(_class_of(dictionary)), extras)
        except BaseException:
            self._touched |= touched
            self._forget(changed)
            raise
        return changed

    def _note(self, changed: dict[str, bytes | None], key: str, value: Any) -> None:
        try:
            dumped = dumps(value)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            if key not in self._reported:
                self._reported.add(key)
                log.warning("what changes in %s is not kept: %s", key, error)
            return
        digest = _digest(dumped)
        if self._digests.get(key) != digest:
            self._digests[key] = digest
            changed[key] = dumped

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            del self._digests[key]

    def load(self, kept: Mapping[str, bytes]) -> None:
        """Take up what `changes` gave."""
        parts = {tuple(key.split("/")): dumped for key, dumped in kept.items()}
        # What lies beside the backends first: a backend may need it.
        for key, dumped in sorted(parts.items(), key=lambda item: len(item[0])):
            owner = _dictionary(*key) if len(key) == _BESIDE else _backend(*key)
            vars(owner).update(loads(dumped))
        self._digests = {key: _digest(dumped) for key, dumped in kept.items()}
        _count_attachments()


def _digest(dumped: bytes) -> bytes:
    return hashlib.blake2b(dumped, digest_size=16).digest()


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


def _backend(module: str, name: str, account_id: str, region: str) -> BaseBackend:
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
    return _backend, key


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
