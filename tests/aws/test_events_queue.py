"""The queue of Automation's events: what is read from it, and what is not believed."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from aws.errors import AwsError
from aws.events_queue import EventsQueue, Message, automation_of

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/automation-events"
STEP = "EC2 Automation Step Status-change Notification"
AWS_ID = "333ba70b-2333-48db-b17e-a5e69c6f4d1c"


def event(**changed) -> str:
    detail = {"ExecutionId": AWS_ID, "Status": "Success", "StepName": "launch"}
    return json.dumps({"source": "aws.ssm", "detail-type": STEP, "detail": detail, **changed})


@pytest.fixture
def sqs():
    return boto3.client(
        "sqs", region_name="us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="none"
    )


def test_an_event_names_its_automation():
    assert automation_of(event()) == AWS_ID
    assert automation_of(event(**{"detail-type": STEP.replace("Step", "Execution")})) == AWS_ID


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[" * 100_000,
        "[]",
        "null",
        event(source="my.application"),
        event(**{"detail-type": "EC2 Command Status-change Notification"}),
        event(**{"detail-type": ["a", "list"]}),
        event(detail=None),
        event(detail={}),
        event(detail={"ExecutionId": 7}),
        event(detail={"ExecutionId": "x" * 37}),
    ],
)
def test_anything_else_names_none(body):
    assert automation_of(body) == ""


def test_messages_are_received_by_tens_and_strangers_are_taken_off_too(sqs):
    with Stubber(sqs) as stub:
        rows = [{"ReceiptHandle": "1", "Body": event()}, {"ReceiptHandle": "2", "Body": "rubbish"}]
        request = {
            "QueueUrl": URL,
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": 10,
            "VisibilityTimeout": 30,
        }
        stub.add_response("receive_message", {"Messages": rows}, request)
        entries = [{"Id": "0", "ReceiptHandle": "1"}, {"Id": "1", "ReceiptHandle": "2"}]
        stub.add_response(
            "delete_message_batch", {"Successful": [], "Failed": []}, {"QueueUrl": URL, "Entries": entries}
        )
        queue = EventsQueue(sqs, URL)
        received = queue.receive()
        assert received == [Message("1", AWS_ID), Message("2", "")]
        queue.delete(received)
        stub.assert_no_pending_responses()


def test_a_refusal_keeps_awss_words(sqs):
    with Stubber(sqs) as stub:
        stub.add_client_error("receive_message", "AccessDenied", "Not you", http_status_code=403)
        with pytest.raises(AwsError) as caught:
            EventsQueue(sqs, URL).receive()
    assert (caught.value.operation, caught.value.denied) == ("ReceiveMessage", True)
