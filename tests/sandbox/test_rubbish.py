"""What no client should send: the answer has AWS's form all the same, and the blame is the sender's."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.sandbox.conftest import Sandbox
from tests.sandbox.test_server import FORM, send, send_signed

START = {"X-Amz-Target": "AmazonSSM.StartAutomationExecution", "Content-Type": "application/x-amz-json-1.1"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"DocumentName": NaN}', "not valid JSON"),
        (rb'{"DocumentName": "\ud800"}', "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"DocumentName": 5}', "NUMBER_VALUE can not be converted to a String"),
        (b'{"DocumentName": ["Name"]}', "Start of list found where not expected"),
        (b'{"DocumentName": "Name", "Mode": {}}', "Start of structure or map found where not expected"),
        (b'{"DocumentName": "Name", "Parameters": {"A": "x"}}', "Expected list or null"),
        (b'{"DocumentName": "Name", "Parameters": [1]}', "Expected map or null"),
        (b'{"DocumentName": "Name", "Tags": [null]}', "Unexpected null"),
    ],
    ids=range(12),
)
def test_a_body_that_does_not_fit_the_model_is_not_read(sandbox: Sandbox, body: bytes, message: str) -> None:
    status, text = send_signed(sandbox, "ssm", "/", body, START)

    answer = json.loads(text)
    assert (status, answer["__type"]) == (400, "SerializationException")
    assert message in answer["message"]


def test_a_body_of_the_rest_protocol_is_read_as_strictly(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "application/json"}

    status, text = send_signed(sandbox, "lambda", "/2015-03-31/functions", b"{", headers)

    assert (status, json.loads(text)["__type"]) == (400, "SerializationException")


def test_a_tag_without_a_key_is_told_by_its_place(sandbox: Sandbox) -> None:
    body = b'{"DocumentName": "Name", "Tags": [{"Value": "x"}]}'

    status, text = send_signed(sandbox, "ssm", "/", body, START)

    assert (status, json.loads(text)["__type"]) == (400, "ValidationException")
    assert "'tags.1.member.key'" in text


@pytest.mark.parametrize(("method", "path"), [("PUT", "/"), ("BREW", "/"), ("POST", "/elsewhere")])
def test_the_json_protocol_has_one_address(sandbox: Sandbox, method: str, path: str) -> None:
    status, text = send_signed(sandbox, "ssm", path, b"{}", START, method=method)

    assert (status, json.loads(text)["__type"]) == (404, "UnknownOperationException")


def test_a_date_that_is_none_is_an_incomplete_signature(sandbox: Sandbox) -> None:
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIA/20261399/us-east-1/ssm/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00"
    )
    request = AWSRequest("POST", sandbox.url, headers=START)
    headers = {**request.headers, "X-Amz-Date": "20261399T999999Z", "Authorization": authorization}

    status, text = send(sandbox, "POST", "/", b"{}", headers)

    assert (status, json.loads(text)["__type"]) == (400, "IncompleteSignatureException")


def test_a_region_that_does_not_exist_is_no_scope(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match=r"InvalidSignatureException.*valid region"):
        sandbox.client("ssm", region="mars-1").describe_document(Name="Name")


def test_what_no_xml_may_hold_is_not_quoted(sandbox: Sandbox) -> None:
    with pytest.raises(ClientError, match=r"InvalidInstanceID"):
        sandbox.client("ec2").describe_instances(InstanceIds=["i-\x01"])
    with pytest.raises(ClientError, match="NoSuchEntity"):
        sandbox.client("iam").get_user(UserName="\x02")
    _, text = send_signed(sandbox, "ec2", "/", b"Action=Nope%01&Version=2016-11-15", FORM)
    assert ET.fromstring(text).findtext(".//Code") == "InvalidAction"


def test_a_chunk_without_a_length_is_the_senders_fault(sandbox: Sandbox) -> None:
    status, _ = send(sandbox, "POST", "/", b"ZZ\r\n", {**START, "Transfer-Encoding": "chunked"})

    assert status == 400
