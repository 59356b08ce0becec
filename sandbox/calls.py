"""An HTTP request understood as a call of an AWS operation: service, operation and parameters."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request as MotoRequest
from moto.core.request import determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model, service_name_from_moto_package_name
from werkzeug.exceptions import NotFound

from sandbox.errors import AwsError
from sandbox.json_bodies import check_types, read_object
from sandbox.signature import Signed

_BOTOCORE_NAMES = {"awslambda": "lambda", "elbv2": "elbv2", "es": "es"}
_SIGNS_AS = re.compile(r'"signingName"\s*:\s*"([^"]+)"')
_ENDPOINT = re.compile(r'"endpointPrefix"\s*:\s*"([^"]+)"')
_ELB_VERSIONS = {"2012-06-01": "elb", "2015-12-01": "elbv2"}


@dataclass(frozen=True)
class Call:
    """One call: botocore's service name, the name it is signed with, the operation, and its input as
    botocore's model names it. `http_method` and `path` are those of the request."""

    service: str
    signing_name: str
    operation: str
    protocol: str
    region: str
    params: Mapping[str, Any]
    http_method: str = "POST"
    path: str = "/"
    required: frozenset[str] = field(default_factory=frozenset)

    @property
    def reads_only(self) -> bool:
        """Whether the operation by its name changes nothing."""
        return self.operation.startswith(
            ("Describe", "List", "Get", "Head", "Search", "Simulate", "Validate")
        )


current_call: ContextVar[Call] = ContextVar("sandbox_call")
"""The call being served, once it is authorised."""


@cache
def regions() -> frozenset[str]:
    """The Regions that exist, of all partitions."""
    session = botocore.session.Session()
    return frozenset(
        region
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ec2", partition)
    )


def botocore_service(backend: str, request: MotoRequest) -> str:
    """botocore's name for the service that moto's `backend` answers."""
    if backend in ("elb", "elbv2"):
        return _ELB_VERSIONS.get(request.values.get("Version", ""), "elbv2")
    if backend == "es" and request.path.startswith("/2021-01-01/"):
        # OpenSearch is called by the name, and at the address, of what it was before.
        return "opensearch"
    if backend == "apigateway" and request.path.startswith("/v2/"):
        # Both generations have one signing name and one host.
        return "apigatewayv2"
    return _BOTOCORE_NAMES.get(backend) or service_name_from_moto_package_name(backend)


@cache
def service_signed_as(signing_name: str) -> str | None:
    """botocore's name of a service whose requests are signed with that name, None when there is none."""
    loader = botocore.session.Session().get_component("data_loader")
    services = loader.list_available_services("service-2")
    if signing_name in services:
        return signing_name
    return next((name for name in services if _signing_name(loader, name) == signing_name), None)


def _signing_name(loader: Any, service: str) -> str | None:
    # The head of the file will do: to parse all models takes many seconds.
    version = loader.determine_latest_version(service, "service-2")
    for folder in map(Path, loader.search_paths):
        plain = folder / service / version / "service-2.json"
        packed = plain.with_name("service-2.json.gz")
        if packed.is_file() or plain.is_file():
            with gzip.open(packed) if packed.is_file() else plain.open("rb") as file:
                head = file.read(4096).decode(errors="replace")
            found = _SIGNS_AS.search(head) or _ENDPOINT.search(head)
            return found[1] if found else None
    return None


def protocol_of(service: str, request: MotoRequest) -> str:
    """The AWS protocol in which `request` speaks to `service`.

    Errors: AwsError when the service is unknown or does not speak it here.
    """
    try:
        return determine_request_protocol(get_service_model(service), request.content_type)
    except NotImplementedError as error:
        raise AwsError("UnknownOperationException", str(error), 400) from error


def understand(request: MotoRequest, service: str, signed: Signed) -> Call:
    """The call that `request` makes.

    Errors: AwsError when no operation of the service matches, or when the request can be read in more than
    one way: what is authorised and what is executed must be the same.
    """
    protocol = protocol_of(service, request)
    if protocol not in PROTOCOL_PARSERS:
        raise AwsError(
            "UnknownOperationException",
            f"The sandbox does not speak {protocol}, in which {service} was called.",
            400,
        )
    _refuse_ambiguity(request, protocol)
    try:
        operation, labels = get_service_router(service).match(request)
    except NotFound:
        raise _unknown_operation(request, service, protocol) from None
    if protocol == "json":
        # The router looks at the target alone; AWS answers in this protocol at one address only.
        if request.method != "POST" or request.path != "/":
            raise _unknown_operation(request, service, protocol)
        check_types(read_object(request.get_data()), operation.input_shape)
    shape = operation.input_shape
    if service == "s3":
        _refuse_s3_ambiguity(request, operation)
    elif protocol in ("json", "rest-json", "rest-xml"):
        # Where a single member is the whole body, that may be anything.
        if protocol == "rest-json" and shape is not None and "payload" not in shape.serialization:
            read_object(request.get_data())
        _refuse_misplaced_parameters(request, operation, protocol)
    parser = PROTOCOL_PARSERS[protocol](operation)
    try:
        params = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.get_data(),
                "url_path": request.path,
                "url_params": labels,
            }
        )
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise AwsError(
            "SerializationException", f"The input of {operation.name} cannot be read: {error}"
        ) from error
    return Call(
        service=service,
        signing_name=signed.service,
        operation=operation.name,
        protocol=protocol,
        region=signed.region,
        params={**labels, **(params or {})},
        http_method=request.method,
        path=request.raw_path,
        required=frozenset(shape.required_members) if shape is not None else frozenset(),
    )


def _unknown_operation(request: MotoRequest, service: str, protocol: str) -> AwsError:
    if protocol in ("query", "ec2"):
        action = request.values.get("Action", "")
        return AwsError("InvalidAction", f"The action {action} is not valid for this web service.")
    return AwsError("UnknownOperationException", f"{service} has no such operation.", 404)


def _refuse_ambiguity(request: MotoRequest, protocol: str) -> None:
    query = dict(parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True))
    if protocol in ("query", "ec2"):
        form = (
            request.content_type.startswith("application/x-www-form-urlencoded")
            if request.content_type
            else True
        )
        if (query and request.get_data()) or not form:
            raise AwsError("MalformedQueryString", "Send the parameters either in the URL or in a form body.")
    elif "Action" in query or (request.content_type or "").startswith("multipart/"):
        raise AwsError("InvalidAction", "Action is no parameter of this protocol.")


def _refuse_misplaced_parameters(request: MotoRequest, operation: OperationModel, protocol: str) -> None:
    """moto looks for a parameter in query, body and path, the model in one: it must stand nowhere else."""
    shape = operation.input_shape
    places = {
        name: member.serialization.get("location", "body")
        for key, member in (shape.members if shape else {}).items()
        for name in (key, member.serialization.get("name", key))
    }
    in_query = {name for name in request.args if places.get(name, "querystring") != "querystring"}
    if protocol == "json":
        in_query = set(request.args)
    body = _json_object(request) if protocol == "rest-json" else {}
    misplaced = in_query | {name for name in body if places.get(name, "body") != "body"}
    if misplaced:
        raise AwsError("ValidationException", f"Misplaced parameters: {', '.join(sorted(misplaced))}")


def _json_object(request: MotoRequest) -> Mapping[str, Any]:
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


_S3_IRRELEVANT = {"x-id"}


def _refuse_s3_ambiguity(request: MotoRequest, operation: OperationModel) -> None:
    """S3 picks its operation by the query: two sub-resources in one URL could be understood as either."""
    shape = operation.input_shape
    own = set(operation.http_trait.query_args) | {
        member.serialization.get("name", name) for name, member in (shape.members if shape else {}).items()
    }
    stray = (set(request.args) & _s3_subresources()) - own
    if stray:
        raise AwsError("InvalidArgument", f"Conflicting query string parameters: {', '.join(sorted(stray))}")


@cache
def _s3_subresources() -> frozenset[str]:
    """The query parameters by which S3 tells its operations apart."""
    model = get_service_model("s3")
    traits = (model.operation_model(name).http_trait for name in model.operation_names)
    return frozenset(name for trait in traits for name in trait.query_args) - _S3_IRRELEVANT
