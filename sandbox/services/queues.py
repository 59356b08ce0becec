"""SQS's long polls on a clock that leaps: nobody waits for real while the time of automations stands still.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

from __future__ import annotations

from typing import Any

from moto.sqs.models import Message, SQSBackend

from sandbox import settings
from sandbox.identity import current_principal

# How the sessions are named in which automations act.
OF_AUTOMATION = "Automation-"


def install() -> None:
    """Let automations' ReceiveMessage answer at once on the virtual clock: nothing comes while it stands."""
    if settings.current().clock is not None:
        return

    def receive_message(
        self: SQSBackend, queue_name: str, count: int, wait: int, *rest: Any, **more: Any
    ) -> list[Message]:
        automated = (current_principal().session_name or "").startswith(OF_AUTOMATION)
        return receive(self, queue_name, count, 0 if automated else wait, *rest, **more)

    receive = SQSBackend.receive_message
    SQSBackend.receive_message = receive_message  # type: ignore[method-assign,assignment]
