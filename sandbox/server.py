"""The server: every request authenticated and authorised before moto sees it."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from typing import Any
from urllib.parse import parse_qs

from moto.core.common_models import BaseModel
from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY
from moto.core.responses import BaseResponse
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    BackendRequest,
    DomainDispatcherApplication,
    MotoRequestHandler,
)
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import run_wsgi_app

from sandbox import automation, control, events, scripts, services, settings, sts
from sandbox.authorization import authorise
from sandbox.calls import (
    Call,
    botocore_service,
    current_call,
    protocol_of,
    regions,
    service_signed_as,
    understand,
)
from sandbox.errors import AwsError, InvalidCredentials
from sandbox.events import trail
from sandbox.events.trail_parts import Outcome
from sandbox.fixtures import hooks
from sandbox.iam import foreign
from sandbox.iam.needs import checks_for
from sandbox.identity import Principal, acting_as, identities, utcnow
from sandbox.launches import check_launch
from sandbox.signature import HttpRequest, Signed, check_signature, read_signature
from sandbox.thrift import Thrift
from sandbox.wire import Response, answerable, error_response

log = logging.getLogger("sandbox.calls")

MAX_BODY = 64 * 1024 * 1024
LOOPBACK_NAMES = frozenset(("127.0.0.1", "localhost", "[::1]"))
HEALTH_PATH = "/_sandbox/health"
_PROTOCOLS_WITHOUT_FORMS = frozenset(("json", "rest-json", "rest-xml"))
_CLOSED_BACKENDS = frozenset(("moto_api", "instance_metadata"))

Environ = dict[str, Any]
# Buckets have hosts of their own, so that there may be any number.
MOST_HOSTS = 1000
# Told whose call it was, "" when that says nothing.
OnChange = Callable[[str], None]


def _ignore(service: str) -> None:
    """Nobody wants to know."""


class _Dispatcher(DomainDispatcherApplication):
    """moto's, which looks through its own folders for every request, with a memory."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._found: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the service that answers to a name or host; None when none does."""
        if host not in self._found:
            if len(self._found) >= MOST_HOSTS:
                self._found.clear()
            self._found[host] = super().get_backend_for_host(host)
        return self._found[host]


class Gate:
    """The WSGI application.

    `on_change` is called after each call that may have changed something, or `on_promise` after one whose
    answer must still be true when the process is killed a moment later.
    """

    def __init__(self, on_change: OnChange = _ignore, on_promise: OnChange = _ignore) -> None:
        self._services = _Dispatcher(services.application)
        # How many requests there have been.
        self.served = 0
        self._on_change = on_change
        self._on_promise = on_promise

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        self.served += 1
        status, headers, body = copy_context().run(self._respond, environ)
        if (
            not any(name.lower() == "content-length" for name, _ in headers)
            and environ["REQUEST_METHOD"] != "HEAD"
        ):
            headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(f"{status} {'OK' if status < 400 else 'Error'}", headers)
        return [body]

    def _respond(self, environ: Environ) -> Response:
        if not _is_loopback(environ.get("HTTP_HOST", "")):
            return (
                400,
                [("Content-Type", "text/plain")],
                b"This server answers to loopback host names only.\n",
            )
        if environ.get("PATH_INFO") == HEALTH_PATH:
            return 200, [("Content-Type", "application/json")], json.dumps(_health()).encode()
        exchange = _Exchange(environ, self._services)
        response = exchange.answer()
        exchange.write_log(response)
        if exchange.controls:
            self._on_promise("")
        elif exchange.call is not None and not exchange.call.reads_only:
            # A document's version, or an execution and its client token, are what callers remember us by.
            promise = exchange.call.service == "ssm" and response[0] < 300
            (self._on_promise if promise else self._on_change)(exchange.call.service)
        return response


class _Exchange:
    """One request and what becomes known of it."""

    def __init__(self, environ: Environ, services: DomainDispatcherApplication) -> None:
        self._environ = environ
        self._services = services
        self._service = ""
        self._protocol = _guess_protocol(environ)
        self.principal: Principal | None = None
        self.call: Call | None = None
        self._lacking = False
        # Whether the request set something of the sandbox itself.
        self.controls = False
        self._outcome = "ok"
        self._resources: list[str] = []

    def answer(self) -> Response:
        try:
            return self._serve()
        except AwsError as error:
            return self._error(error)
        except NotImplementedError as error:
            name = f"{self._service}:{self.call.operation}" if self.call else self._service
            return self._error(
                AwsError("NotImplemented", f"The sandbox does not emulate {name}: {error}", 501)
            )
        except Exception as error:
            log.exception(
                "internal error serving %s", self.call.operation if self.call else self._environ["PATH_INFO"]
            )
            return self._error(
                AwsError("InternalFailure", f"The sandbox failed: {type(error).__name__}: {error}", 500)
            )

    def write_log(self, response: Response) -> None:
        """Note the call, and how it ended, in the log and in the trail."""
        status, headers, body = response
        if self.call is not None and self.principal is not None:
            environ = self._environ
            outcome = Outcome(
                status=status,
                body=body,
                headers={name.lower(): value for name, value in headers},
                source_address=environ.get("REMOTE_ADDR", settings.HOST),
            )
            user_agent = environ.get("HTTP_USER_AGENT", "")
            trail.record(self.call, self.principal, self._resources, outcome, user_agent)
        log.info(
            "%s %s %s %s %s",
            self._environ["REQUEST_METHOD"],
            f"{self.call.service}:{self.call.operation}" if self.call else self._environ.get("PATH_INFO"),
            self.principal.arn if self.principal else "-",
            status,
            self._outcome,
        )

    def _error(self, error: AwsError) -> Response:
        self._outcome = error.code
        status, headers, body = error_response(error, service=self._service, protocol=self._protocol)
        return status, headers, b"" if self._environ["REQUEST_METHOD"] == "HEAD" else body

    def _serve(self) -> Response:
        environ = self._environ
        request = _http_request(environ)
        signed = read_signature(request)
        if environ["PATH_INFO"].startswith(control.PREFIX):
            return self._control(request, signed)
        # The signed scope decides which service answers; whatever else names one is ignored.
        self._identify_service(signed)
        if signed.expires is not None and signed.service != "s3":
            raise InvalidCredentials("IncompleteSignature", "Presigned URLs are for S3 only here.", 400)
        principal = self._authenticate(request, signed)
        environ.pop("HTTP_X_MOTO_ACCOUNT_ID", None)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = principal.account_id
        self.call = self._understand(signed)
        context = _request_context(environ, self.call)
        checks = checks_for(self.call, principal)
        for check in checks:
            self._resources.extend(each for each in check.resources[:1] if isinstance(each, str))
            authorise(principal, check.action, check.resources, {**context, **check.context})
        foreign.refuse(self.call, principal, checks, context)
        check_launch(self.call)
        current_call.set(self.call)
        with acting_as(principal):
            stand_in = hooks.current()
            if stand_in is None:
                return self._dispatch()
            return stand_in.answer(self.call, principal, self._dispatch)

    def _authenticate(self, request: HttpRequest, signed: Signed) -> Principal:
        principal = identities.find(signed.access_key_id, signed.session_token)
        check_signature(request, signed, principal.secret_access_key, utcnow())
        if signed.region not in regions():
            raise InvalidCredentials(
                "SignatureDoesNotMatch", "Credential should be scoped to a valid region."
            )
        self.principal = principal
        return principal

    def _control(self, request: HttpRequest, signed: Signed) -> Response:
        self._protocol = "rest-json"
        if signed.expires is not None:
            raise InvalidCredentials("IncompleteSignature", "Sign in the Authorization header here.", 400)
        principal = self._authenticate(request, signed)
        body = control.answer(
            request.method, self._environ["PATH_INFO"], request.body, principal, signed.region
        )
        self.controls = request.method != "GET"
        return 200, [("Content-Type", "application/json")], body

    def _identify_service(self, signed: Signed) -> None:
        """Find out to whom the request speaks, and how, so that even a refusal has the service's own form."""
        self._service = signed.service
        request = BackendRequest(dict(self._environ))
        self._service = self._named(signed, request)
        self._protocol = protocol_of(self._service, request)
        self._environ["wsgi.input"].seek(0)

    def _named(self, signed: Signed, request: BackendRequest) -> str:
        try:
            return botocore_service(self._backend(signed), request)
        except AwsError:
            # Somebody else may answer for a service that moto does not have.
            found = service_signed_as(signed.service) if hooks.current() is not None else None
            if found is None:
                raise
            self._lacking = True
            return found

    def _understand(self, signed: Signed) -> Call:
        call = understand(BackendRequest(dict(self._environ)), self._service, signed)
        self._environ["wsgi.input"].seek(0)
        return call

    def _backend(self, signed: Signed) -> str:
        try:
            host = self._services.infer_service_region_host(self._environ, self._environ.get("PATH_INFO", ""))
        except (KeyError, IndexError) as error:
            raise AwsError(
                "UnknownOperationException", f"{signed.service} cannot be called like this."
            ) from error
        self._environ["wsgi.input"].seek(0)
        backend = self._services.get_backend_for_host(host or "s3.us-east-1.amazonaws.com")
        if backend is None or backend in _CLOSED_BACKENDS:
            raise AwsError("UnknownOperationException", f"The sandbox has no service {signed.service}.", 404)
        return str(backend)

    def _dispatch(self) -> Response:
        if self._lacking:
            raise NotImplementedError("it has no such service.")
        path = self._environ.get("PATH_INFO", "")
        if path.startswith(("/moto-api", "/latest/meta-data/", "/latest/api/")) or path == "/favicon.ico":
            # moto serves its own pages here, whatever the request's service is.
            raise AwsError("UnknownOperationException", f"{path} is not served.", 404)
        application = self._services.get_application(self._environ)
        body, status, headers = run_wsgi_app(application, self._environ, buffered=True)
        return answerable(int(status.split(" ", 1)[0]), list(headers.items()), b"".join(body))


def _http_request(environ: Environ) -> HttpRequest:
    body = _read_body(environ)
    path, _, query = str(environ.get("RAW_URI") or environ["PATH_INFO"]).partition("?")
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    }
    headers["content-type"] = environ.get("CONTENT_TYPE") or ""
    headers["content-length"] = environ.get("CONTENT_LENGTH") or ""
    # Names of S3's metadata may hold underscores, which WSGI folds into dashes.
    for key, name in (environ.get(PRESERVED_HEADER_NAMES_ENVIRON_KEY) or {}).items():
        del headers[key[5:].replace("_", "-").lower()]
        headers[name.lower()] = environ[key]
    return HttpRequest(environ["REQUEST_METHOD"], path, query, headers, body)


def _read_body(environ: Environ) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    limit = MAX_BODY + 1
    try:
        if environ.get("wsgi.input_terminated"):
            body = stream.read(limit)
        else:
            body = stream.read(min(int(length), limit)) if length and length.isdecimal() else b""
    except (OSError, ValueError) as error:
        raise AwsError("IncompleteBody", f"The body of the request cannot be read: {error}") from error
    if len(body) > MAX_BODY:
        raise AwsError("RequestEntityTooLarge", f"A request may have {MAX_BODY} bytes at most.", 413)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ.pop("wsgi.input_terminated", None)
    return bytes(body)


def _request_context(environ: Environ, call: Call) -> Mapping[str, str]:
    return {
        "aws:SourceIp": environ.get("REMOTE_ADDR", settings.HOST),
        "aws:SecureTransport": "false",
        "aws:UserAgent": environ.get("HTTP_USER_AGENT", ""),
        "aws:RequestedRegion": call.region,
    }


def _guess_protocol(environ: Environ) -> str:
    """In which form to answer before the service is known."""
    content_type = environ.get("CONTENT_TYPE", "")
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if content_type.startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json" if content_type.startswith("application/json") else "rest-xml"


def _is_loopback(host: str) -> bool:
    name, separator, port = host.rpartition(":")
    return (name if separator and port.isdigit() else host) in LOOPBACK_NAMES


def _bind_moto_to_the_authorised_call() -> None:
    """Let moto execute nothing but what was authorised: its own reading of a request must agree with ours."""
    read_action = BaseResponse._get_action

    def get_action(self: BaseResponse) -> str:
        action = read_action(self)
        call = current_call.get(None)
        if call is not None and action != call.operation and self.boto3_service_name == call.service:
            raise AwsError("InvalidAction", f"The request is both {call.operation} and {action}.")
        return str(action)

    def get_region_from_url(self: BaseResponse, request: Any, full_url: str) -> str:
        call = current_call.get(None)
        return call.region if call is not None else str(read_region(self, request, full_url))

    def setup_class(self: BaseResponse, request: Any, *arguments: Any, **options: Any) -> None:
        set_up(self, request, *arguments, **options)
        call = current_call.get(None)
        if call is not None and call.service != "s3" and call.protocol in _PROTOCOLS_WITHOUT_FORMS:
            # moto takes the body's text, or the headers, for a query string when it finds none.
            self.querystring = self.data = parse_qs(self.parsed_url.query, keep_blank_values=True)

    set_up = BaseResponse.setup_class
    read_region = BaseResponse.get_region_from_url
    BaseResponse.setup_class = setup_class  # type: ignore[method-assign]
    BaseResponse._get_action = get_action  # type: ignore[method-assign]
    BaseResponse.get_region_from_url = get_region_from_url  # type: ignore[method-assign]


def _keep_no_instances() -> None:
    """moto remembers every object it ever made, for a reset that we do not offer: a leak in a long life."""

    def make(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
        return super(BaseModel, cls).__new__(cls)

    BaseModel.__new__ = make  # type: ignore[method-assign]


class _QuietHandler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Connections are not logged; calls are, by their exchange."""


def bind(port: int) -> socket.socket:
    """A listening socket on the loopback interface. Errors: OSError when the port is in use."""
    listener = socket.create_server((settings.HOST, port), backlog=256)
    settings.listening_on(listener.getsockname()[1])
    return listener


def build(
    listener: socket.socket, on_change: OnChange = _ignore, on_promise: OnChange = _ignore
) -> BaseWSGIServer:
    """The server on `listener`, services installed; `serve_forever` runs it, each connection in a thread.

    `on_change` and `on_promise` are those of the Gate.
    """
    if settings.current().seed is not None:
        mock_random.seed(settings.current().seed)
    _keep_no_instances()
    _bind_moto_to_the_authorised_call()
    sts.install()
    events.install()
    automation.install()
    services.install()
    gate = Gate(on_change, on_promise)
    server = make_server(
        settings.HOST,
        settings.current().port,
        gate,
        threaded=True,
        request_handler=_QuietHandler,
        fd=listener.fileno(),
    )
    # Between requests, ten times a second.
    server.service_actions = Thrift(lambda: gate.served)  # type: ignore[method-assign]
    _serve_scripts(server)
    return server


def _serve_scripts(server: BaseWSGIServer) -> None:
    """Scripts are in networks of their own: a connection that one makes is taken as if made to `listener`."""
    current = settings.current()
    scripts.runner.serve_calls(
        current.port, lambda connection: server.process_request(connection, (settings.HOST, 0))
    )
    if current.state_dir is not None:
        scripts.runner.hide(current.state_dir)
    if current.pwsh is not None:
        scripts.runner.use(current.pwsh)
    scripts.runner.look()


def _health() -> dict[str, str]:
    """That calls are answered, and how scripts are confined here (see docs/sandbox.md)."""
    words = {True: "confined", False: "confined in part", None: "not known yet"}
    return {"status": "ready", "scripts": words[scripts.runner.confined]}
