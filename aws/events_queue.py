"""Automation's events, as EventBridge delivers them to a queue of SQS.

They say sooner than any list that an automation has moved on, and are no more than a hint: EventBridge
delivers with best effort, twice and out of order at times, and whoever may send to the queue may write
anything.
https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from aws.errors import translated

# SQS gives and takes at most so many messages a call.
BATCH: Final = 10
# The longest that ReceiveMessage waits for a message; SQS lets it be 20.
POLL_SECONDS: Final = 10
# A message that was not deleted by then is given to somebody else.
HIDDEN_SECONDS: Final = 30
_SOURCE = "aws.ssm"
_KINDS = (
    "EC2 Automation Execution Status-change Notification",
    "EC2 Automation Step Status-change Notification",
)
_LONGEST_ID = 36


@dataclass(frozen=True)
class Message:
    """One message of the queue: the automation that it says has moved on, "" when it says no such thing."""

    receipt: str
    aws_id: str


class EventsQueue:
    """One queue with one set of credentials. Every method raises AwsError, in AWS's own words.

    The queue is for one target of one portal: what is no event of Automation is taken off it all the same.
    """

    def __init__(self, client: Any, url: str) -> None:
        self._client = client
        self._url = url

    def receive(self) -> list[Message]:
        """Return the next messages, BATCH at most; wait POLL_SECONDS for one to come.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
        """
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=POLL_SECONDS,
                VisibilityTimeout=HIDDEN_SECONDS,
            )
        except (ClientError, BotoCoreError) as error:
            raise translated(error, "ReceiveMessage") from error
        return [
            Message(row["ReceiptHandle"], automation_of(row.get("Body", "")))
            for row in answer.get("Messages", [])
        ]

    def delete(self, messages: Iterable[Message]) -> None:
        """Take messages off the queue, BATCH at most; what SQS keeps all the same comes again.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessageBatch.html
        """
        entries = [
            {"Id": str(number), "ReceiptHandle": message.receipt} for number, message in enumerate(messages)
        ]
        try:
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            raise translated(error, "DeleteMessageBatch") from error


def automation_of(body: str) -> str:
    """Return the id of the automation that an event tells of; "" when the text is no such event."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if (
        not isinstance(event, dict)
        or event.get("source") != _SOURCE
        or event.get("detail-type") not in _KINDS
    ):
        return ""
    detail = event.get("detail")
    aws_id = detail.get("ExecutionId") if isinstance(detail, dict) else None
    return aws_id if isinstance(aws_id, str) and len(aws_id) <= _LONGEST_ID else ""
