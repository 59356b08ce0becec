"""Automation's events shorten the wait for news of a target's runs; AWS is asked before anything is believed.

While none come nothing is lost: the lists tell the same, later.
"""

import threading

from aws.connections import events_queue
from aws.events_queue import EventsQueue
from aws.models import AwsTarget
from common.clock import now
from executions import observing
from executions.following import Subject
from executions.sweeping import Sweeper


class Listener:
    """Reads the events' queue of one target, a call a step."""

    def __init__(self, subject: Subject, sweeper: Sweeper) -> None:
        self.subject = subject
        self.bell = threading.Event()
        self._sweeper = sweeper

    def _queue(self) -> EventsQueue:
        # Made anew each time, which costs next to nothing: a session ends, and the target may be changed.
        return events_queue(AwsTarget.objects.get(pk=self.subject.target_id))

    def ring(self) -> None:
        """Nothing that is new here makes events come sooner."""

    def step(self) -> float:
        """Wait for events and pass on what they speak of; return how many seconds to pause.

        A message is deleted when the run that it speaks of has been marked: a crash loses nothing.

        Raises AwsError, LeaseLost.
        """
        queue = self._queue()
        messages = queue.receive()
        if messages:
            aws_ids = {message.aws_id for message in messages if message.aws_id}
            with self.subject.lease.writing():
                ours = observing.mark_behind(aws_ids, self.subject.target_id, now())
            queue.delete(messages)
            if ours:
                self._sweeper.confirm(ours)
                self.subject.look_again()
        return 0.0
