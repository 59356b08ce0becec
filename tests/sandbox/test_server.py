"""The server at its edges: who may reach it, what it serves unsigned, what it makes of crooked requests."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import InvalidCredentials
from sandbox.signature import HttpRequest, calculate, check_signature, read_signature
from sandbox.wire import error_response
from tests.sandbox.conftest import REPOSITORY, ROOT, Sandbox
from tests.support.stack import COMPILED

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
KEY, SECRET = ROOT["aws_access_key_id"], ROOT["aws_secret_access_key"]
CREDENTIALS = Credentials(KEY, SECRET)


def send(
    sandbox: Sandbox, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=20)
    connection.request(method, path, body, dict(headers or {}))
    response = connection.getresponse()
    return response.status, response.read().decode()


def send_signed(
    sandbox: Sandbox,
    service: str,
    path: str = "/",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    region: str = "us-east-1",
    credentials: Credentials = CREDENTIALS,
    added: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    request = AWSRequest(method, sandbox.url + path, data=body, headers=dict(headers or {}))
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, region).add_auth(request)
    return send(sandbox, method, path, body, {**dict(request.headers.items()), **(added or {})})


def test_health_is_told_to_anyone(sandbox: Sandbox) -> None:
    status, body = send(sandbox, "GET", "/_sandbox/health")
    told = json.loads(body)
    assert (status, told["status"]) == (200, "ready")
    assert told["scripts"] in {"confined", "confined in part", "not known yet"}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1", ""]
)
def test_other_host_names_are_turned_away(sandbox: Sandbox, host: str) -> None:
    status, _ = send(sandbox, "GET", "/_sandbox/health", headers={"Host": host})

    assert status == 400


@pytest.mark.parametrize("host", ["localhost", "localhost:4566", "127.0.0.1", "[::1]:80"])
def test_loopback_host_names_are_welcome(sandbox: Sandbox, host: str) -> None:
    assert send(sandbox, "GET", "/_sandbox/health", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/moto-api/reset"),
        ("GET", "/moto-api/data.json"),
        ("GET", "/moto-api/"),
        ("GET", "/latest/meta-data/iam/security-credentials/"),
        ("GET", "/favicon.ico"),
        ("GET", "/some-bucket/key"),
        ("PUT", "/some-bucket"),
        ("GET", "/us-east-1_abc/.well-known/jwks.json"),
    ],
)
def test_nothing_is_served_unsigned(sandbox: Sandbox, method: str, path: str) -> None:
    status, body = send(sandbox, method, path)

    assert status == 403
    assert "AccessDenied" in body or "MissingAuthenticationToken" in body


@pytest.mark.parametrize(
    "path", ["/moto-api/reset", "/moto-api/data.json", "/latest/meta-data/", "/favicon.ico"]
)
@pytest.mark.parametrize("service", ["s3", "ec2", "sts"])
def test_motos_own_pages_are_closed_to_root_too(sandbox: Sandbox, service: str, path: str) -> None:
    sandbox.client("iam").create_group(
        GroupName=f"kept-{service}-{hashlib.sha1(path.encode()).hexdigest()[:8]}"
    )

    status, _ = send_signed(sandbox, service, path, method="POST")

    assert status in (400, 403, 404)
    assert sandbox.client("iam").list_groups()["Groups"]


def test_an_unsigned_action_is_refused(sandbox: Sandbox) -> None:
    for action in ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetCallerIdentity"):
        body = urlencode(
            {"Action": action, "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r"}
        ).encode()
        status, text = send(sandbox, "POST", "/", body, FORM)
        assert (status, "MissingAuthenticationToken" in text) == (403, True)


def test_the_account_of_a_request_is_its_signers(sandbox: Sandbox) -> None:
    body = b"Action=CreateUser&Version=2010-05-08&UserName=planted"
    status, text = send_signed(sandbox, "iam", "/", body, FORM, added={"x-moto-account-id": "999999999999"})

    assert status == 200
    assert "arn:aws:iam::123456789012:user/planted" in text


def test_the_region_of_a_request_is_the_one_signed_for(sandbox: Sandbox) -> None:
    body = b"Action=CreateKeyPair&Version=2016-11-15&KeyName=sneaky"
    path = "/?x=ec2.eu-west-1.amazonaws.com"
    send_signed(sandbox, "ec2", path, body, {**FORM, "User-Agent": "x region/eu-west-1"})
    send_signed(sandbox, "ec2", "/", body, {**FORM, "User-Agent": "x region/eu-west-1"})

    assert not sandbox.client("ec2", region="eu-west-1").describe_key_pairs()["KeyPairs"]
    names = [pair["KeyName"] for pair in sandbox.client("ec2").describe_key_pairs()["KeyPairs"]]
    assert names.count("sneaky") == 1


def test_what_is_authorised_is_what_is_done(sandbox: Sandbox) -> None:
    """No second action rides along in the query, the form or a header."""
    keys = sandbox.make_user("smuggler", {"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"})
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    listing = b"Action=ListUsers&Version=2010-05-08"
    create = "Action=CreateUser&Version=2010-05-08&UserName=smuggled"
    multipart = b'--x\r\nContent-Disposition: form-data; name="Action"\r\n\r\nCreateUser\r\n--x--\r\n'
    target = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.ListDocuments"}

    attempts = [
        ("iam", f"/?{create}", listing, FORM),
        ("iam", "/?Action=ListUsers&Version=2010-05-08", create.encode(), FORM),
        ("iam", "/", listing + b"&" + create.encode(), FORM),
        ("iam", "/?Action=ListUsers", multipart, {"Content-Type": "multipart/form-data; boundary=x"}),
        ("ssm", "/?Action=DeleteDocument&Name=x", b"{}", target),
        ("ssm", "/", multipart, {**target, "Content-Type": "multipart/form-data; boundary=x"}),
    ]
    for service, path, body, headers in attempts:
        send_signed(sandbox, service, path, body, headers, credentials=credentials)

    users = [user["UserName"] for user in sandbox.client("iam").list_users()["Users"]]
    assert "smuggled" not in users
    for service, path, body, headers in attempts[:2] + attempts[3:]:
        status, _ = send_signed(sandbox, service, path, body, headers, credentials=credentials)
        assert status in (400, 403)


def test_a_parameter_is_read_where_it_belongs_and_nowhere_else(sandbox: Sandbox) -> None:
    """What a policy was asked about is what is acted on, wherever else a name is written."""
    root = sandbox.client("ssm")
    for name in ("mine", "theirs", "T"):
        root.put_parameter(Name=name, Value=f"value of {name}", Type="String", Overwrite=True)
    own = "arn:aws:ssm:us-east-1:123456789012:parameter/mine"
    keys = sandbox.make_user("careful", {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": own})
    credentials = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonSSM.GetParameter"}
    plain = {"Name": "mine"}

    for path, body, added in (
        ("/?Name=theirs", plain, {}),
        ("/", {**plain, "x": "&Name=theirs&"}, {}),
        ("/", plain, {"Name": "T"}),
        ("/", plain, {}),
    ):
        status, text = send_signed(
            sandbox, "ssm", path, json.dumps(body).encode(), {**headers, **added}, credentials=credentials
        )
        assert status == 400 or "value of mine" in text
        assert "value of theirs" not in text
        assert "value of T" not in text


def test_a_path_parameter_is_not_read_from_the_body(sandbox: Sandbox) -> None:
    status, text = send_signed(
        sandbox,
        "lambda",
        "/2015-03-31/functions/mine/configuration",
        b'{"FunctionName": "theirs"}',
        {"Content-Type": "application/json"},
        method="PUT",
    )

    assert (status, "FunctionName" in text) == (400, True)


def test_two_s3_subresources_in_one_request_are_refused(sandbox: Sandbox) -> None:
    sandbox.client("s3").create_bucket(Bucket="two-faced")

    status, body = send_signed(sandbox, "s3", "/two-faced?versioning&policy", method="PUT")

    assert status == 400
    assert "InvalidArgument" in body


def test_an_operation_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    body = b"Action=GiveMeEverything&Version=2016-11-15"

    status, text = send_signed(sandbox, "ec2", "/", body, FORM)

    assert status == 400
    assert "<Code>InvalidAction</Code>" in text


def test_a_service_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    status, _ = send_signed(sandbox, "no-such-service", "/", b"{}", {"X-Amz-Target": "No.Such"})

    assert 400 <= status < 500


def test_what_moto_does_not_emulate_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError) as caught:
        sandbox.client("ssm").list_nodes()

    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert "ssm:ListNodes" in caught.value.response["Error"]["Message"]


def test_an_unsigned_amz_header_is_refused(sandbox: Sandbox) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"

    status, text = send_signed(sandbox, "sts", "/", body, FORM, added={"x-amz-security-token": "t"})

    assert (status, "InvalidClientTokenId" in text) == (403, True)
    status, text = send_signed(sandbox, "sts", "/", body, FORM, added={"x-amz-target": "t"})
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)


def test_an_altered_body_is_refused(sandbox: Sandbox) -> None:
    request = AWSRequest("POST", sandbox.url + "/", data=b"Action=ListUsers&Version=2010-05-08", headers=FORM)
    SigV4Auth(CREDENTIALS, "iam", "us-east-1").add_auth(request)

    status, text = send(
        sandbox,
        "POST",
        "/",
        b"Action=CreateUser&Version=2010-05-08&UserName=x",
        dict(request.headers.items()),
    )

    assert (status, "SignatureDoesNotMatch" in text) == (403, True)


def test_a_presigned_s3_url_works_and_a_changed_one_does_not(sandbox: Sandbox) -> None:
    client = sandbox.client("s3", signature_version="s3v4")
    client.create_bucket(Bucket="presigned")
    client.put_object(Bucket="presigned", Key="a b/c", Body=b"hello")
    url = client.generate_presigned_url("get_object", Params={"Bucket": "presigned", "Key": "a b/c"})
    path = url.removeprefix(sandbox.url)

    assert send(sandbox, "GET", path) == (200, "hello")
    assert send(sandbox, "GET", path.replace("/presigned/", "/other/"))[0] == 403
    assert send(sandbox, "GET", path.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"))[0] == 403


@given(
    path=st.text("abc/ %+~_-.äé:@", max_size=12),
    query=st.dictionaries(
        st.text("abc +&=é~", min_size=1, max_size=4), st.text("xyz +&=é*", max_size=4), max_size=4
    ),
    body=st.binary(max_size=20),
    service=st.sampled_from(["s3", "iam", "lambda"]),
)
@settings(deadline=None, max_examples=200)
def test_signatures_are_those_that_botocore_makes(
    path: str, query: dict[str, str], body: bytes, service: str
) -> None:
    url = f"/{quote(path)}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    request = AWSRequest("PUT", f"http://127.0.0.1:1{url}", data=body, headers={"X-Amz-Meta-A": "  b   c "})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(CREDENTIALS, service, "us-east-1").add_auth(request)
    prepared = request.prepare()
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in {"Host": "127.0.0.1:1", **prepared.headers}.items()
    }
    sent, _, sent_query = url.partition("?")
    received = HttpRequest("PUT", sent, sent_query, headers, body)
    signed = read_signature(received)

    assert calculate(received, signed, SECRET) == signed.signature
    assert calculate(received, signed, "another") != signed.signature


@pytest.mark.parametrize(
    ("minutes", "valid"), [(0, True), (14, True), (16, False), (-14, True), (-16, False)]
)
def test_a_signature_is_good_for_a_quarter_of_an_hour(minutes: int, valid: bool) -> None:
    request = AWSRequest("POST", "http://127.0.0.1:1/", data=b"x")
    SigV4Auth(CREDENTIALS, "iam", "us-east-1").add_auth(request)
    headers = {**{k.lower(): v for k, v in request.headers.items()}, "host": "127.0.0.1:1"}
    received = HttpRequest("POST", "/", "", headers, b"x")
    signed = read_signature(received)
    now = datetime.strptime(signed.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(
        minutes=minutes
    )

    if valid:
        check_signature(received, signed, SECRET, now)
    else:
        with pytest.raises(InvalidCredentials, match="Signature"):
            check_signature(received, signed, SECRET, now)


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS AKIA:signature",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request, SignedHeaders=date, Signature=x",
        "AWS4-HMAC-SHA256 Credential=a/20260101/r/s/aws4_request, SignedHeaders=host",
        "Bearer token",
    ],
)
def test_incomplete_signatures_are_told_apart(authorization: str) -> None:
    headers = {"authorization": authorization, "x-amz-date": "20260101T000000Z", "host": "127.0.0.1"}

    with pytest.raises(InvalidCredentials) as caught:
        read_signature(HttpRequest("GET", "/", "", headers, b""))
    assert caught.value.code == "IncompleteSignature"


@pytest.mark.parametrize("protocol", ["query", "ec2", "rest-xml", "json", "rest-json"])
def test_errors_are_escaped_in_every_protocol(protocol: str) -> None:
    from sandbox.errors import AwsError

    _, _, body = error_response(AwsError("Bad<Code>", 'a <b> & "c"'), service="s3", protocol=protocol)

    if protocol.endswith("json"):
        assert json.loads(body)["message"] == 'a <b> & "c"'
    else:
        assert b"<b>" not in body
        assert b"&lt;b&gt; &amp;" in body


def test_a_port_in_use_gets_one_line(sandbox: Sandbox) -> None:
    port = str(urlsplit(sandbox.url).port)

    result = run_sandbox("--port", port)

    assert result.returncode == 1
    assert result.stderr.strip() == f"sandbox: cannot listen on port {port}: Address already in use."


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"SANDBOX_ROOT_ACCESS_KEY_ID": "AKIAROOTROOTROOTROOT"}, "both"),
        ({"SANDBOX_ROOT_SECRET_ACCESS_KEY": "s"}, "both"),
        ({"SANDBOX_ROOT_ACCESS_KEY_ID": "short", "SANDBOX_ROOT_SECRET_ACCESS_KEY": "s"}, "capital"),
        ({"SANDBOX_ACCOUNT_ID": "12"}, "twelve digits"),
    ],
)
def test_a_bad_setting_gets_one_line(environment: dict[str, str], word: str) -> None:
    result = run_sandbox("--port", "0", **environment)

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert word in result.stderr


def run_sandbox(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=REPOSITORY,
        env={**COMPILED, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_listens_on_the_loopback_interface_only(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.url).port
    assert port is not None
    name = socket.gethostbyname(socket.gethostname())
    if name.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as probe, pytest.raises(OSError):
        probe.settimeout(2)
        probe.connect((name, port))


def test_without_a_root_key_one_is_made_and_printed(launch_sandbox: Callable[..., Sandbox]) -> None:
    started = launch_sandbox(root=None, SANDBOX_ACCOUNT_ID="210987654321")

    answer = started.client("sts").get_caller_identity()
    assert answer["Arn"] == "arn:aws:iam::210987654321:root"


def test_the_surroundings_do_not_leak_in(launch_sandbox: Callable[..., Sandbox]) -> None:
    started = launch_sandbox(AWS_PROFILE="absent", MOTO_ACCOUNT_ID="999999999999", AWS_ACCESS_KEY_ID="x")

    assert (
        started.client("iam").create_user(UserName="u")["User"]["Arn"] == "arn:aws:iam::123456789012:user/u"
    )


def test_calls_are_logged_with_who_made_them(launch_sandbox: Callable[..., Sandbox], tmp_path: Any) -> None:
    log = tmp_path / "calls.log"
    started = launch_sandbox("--log", str(log))
    keys = started.make_user("logged")
    with pytest.raises(ClientError):
        started.client("ec2", keys).describe_instances()

    line = log.read_text().splitlines()[-1]
    assert line.endswith("POST ec2:DescribeInstances arn:aws:iam::123456789012:user/logged 403 AccessDenied")
    assert SECRET not in log.read_text()


def test_it_starts_within_three_seconds_of_processor_time(launch_sandbox: Callable[..., Sandbox]) -> None:
    started = launch_sandbox()
    fields = open(f"/proc/{started.process.pid}/stat").read().rsplit(")", 1)[1].split()  # noqa: PTH123, SIM115
    import os

    seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    assert seconds < 3


def test_many_clients_are_served_at_once(sandbox: Sandbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = sandbox.client("sqs", max_pool_connections=16)

    def create(number: int) -> str:
        return str(client.create_queue(QueueName=f"crowd-{number}")["QueueUrl"])

    with ThreadPoolExecutor(16) as pool:
        urls = set(pool.map(create, range(64)))

    assert len(urls) == 64
    assert len(client.list_queues(QueueNamePrefix="crowd-")["QueueUrls"]) == 64
