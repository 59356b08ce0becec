"""Where a worker is killed: names, and what must happen in a process for it to be there.

The product has no hooks. A forked worker wraps what lies below the product (Django's commits, RQ's queues and
jobs, botocore's calls), so that a point stays where it is however the product's own functions are written.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

# What people do with the runs while workers die.
SHORT, ASKING, LONG = "short", "asking", "long"


@dataclass(frozen=True)
class Point:
    """One place of death.

    Attributes:
        name: as it stands in the table and after --points.
        document: which document the runs are of: SHORT ends by itself, ASKING waits for an approval, LONG is
            cancelled.
        reached: whether what happens now (see `Moment`) is this point.
        dies: who is killed there: "launcher", "tracker" or "person" (the web process).
        once_a_job: workers leave after each job, because within a process the place is passed only once.
        unheard: every launch is committed and never enqueued, so that only the reconciler finds it.
        start_rate: how many starts a second each Region's AWS is taken to allow.
    """

    name: str
    document: str
    reached: "Callable[[Moment], bool]"
    dies: str = "launcher"
    once_a_job: bool = False
    unheard: bool = False
    start_rate: float = 1.0


@dataclass(frozen=True)
class Moment:
    """What a process is about to do, or has just done.

    Attributes:
        when: "before", "sent" (an AWS call that is not answered yet) or "after".
        what: "commit", "enqueue", "job", "call", "query" or "role".
        name: a job's function or an API; for a commit the kinds of the events in it, each between spaces; for
            a query its number within the job; for a role that one process at a time plays, which.
        job: the function of the job that the process is at work on; "" outside of jobs.
    """

    when: str
    what: str
    name: str
    job: str = ""


def call(when: str, *names: str) -> Callable[[Moment], bool]:
    """Return the condition of an AWS call of one of these names."""
    return lambda moment: (moment.when, moment.what) == (when, "call") and moment.name in names


def commit(when: str, *kinds: str) -> Callable[[Moment], bool]:
    """Return the condition of a commit with an event of one of these kinds."""
    return lambda moment: (
        (moment.when, moment.what) == (when, "commit") and any(f" {kind} " in moment.name for kind in kinds)
    )


def enqueue(when: str, name: str, *, within: tuple[str, ...] = ()) -> Callable[[Moment], bool]:
    """Return the condition of an enqueued job; `within` which other job, if that matters."""
    return lambda moment: (
        (moment.when, moment.what, moment.name) == (when, "enqueue", name)
        and (not within or moment.job in within)
    )


def job(name: str) -> Callable[[Moment], bool]:
    """Return the condition of a job that was taken, with nothing done yet."""
    return lambda moment: (moment.when, moment.what, moment.name) == ("before", "job", name)


def role(name: str) -> Callable[[Moment], bool]:
    """Return the condition of a role that was taken, or kept."""
    return lambda moment: (moment.when, moment.what, moment.name) == ("after", "role", name)


def nowhere(moment: Moment) -> bool:
    """Be no place in the code: the worker is killed from outside, at a random moment."""
    return False


def midway(name: str, most: int) -> Callable[[Moment], bool]:
    """Return the condition of a job's query, another of the first `most` in each process."""
    return lambda moment: (
        (moment.what, moment.job) == ("query", name) and moment.name == str(os.getpid() % most + 1)
    )


SEEN = ("status", "step-started", "step-ended", "step-waiting", "step-changed", "updated")
LOOKS = ("GetAutomationExecution", "DescribeAutomationExecutions", "DescribeAutomationStepExecutions")

LOST = Point("launch lost", SHORT, enqueue("before", "launch"), "person")
POINTS = {
    point.name: point
    for point in (
        Point("web: launch committed, not enqueued", SHORT, enqueue("before", "launch"), "person"),
        Point("launch: job taken, nothing done", SHORT, job("launch")),
        Point("launch: before AssumeRole", SHORT, call("before", "AssumeRole"), once_a_job=True),
        Point("launch: after AssumeRole", SHORT, call("after", "AssumeRole"), once_a_job=True),
        Point("launch: before the hash check", SHORT, call("before", "DescribeDocument"), once_a_job=True),
        Point("launch: after the hash check", SHORT, call("after", "DescribeDocument"), once_a_job=True),
        Point("launch: before the claim's commit", SHORT, commit("before", "sending")),
        Point("launch: after the claim's commit", SHORT, commit("after", "sending")),
        Point("launch: before Start is sent", SHORT, call("before", "StartAutomationExecution")),
        Point("launch: Start sent, not answered", SHORT, call("sent", "StartAutomationExecution")),
        Point("launch: Start answered, not kept", SHORT, call("after", "StartAutomationExecution")),
        Point("launch: before the commit of started", SHORT, commit("before", "started")),
        Point("launch: after the commit of started", SHORT, commit("after", "started")),
        Point("launch: before tracking is enqueued", SHORT, enqueue("before", "track", within=("launch",))),
        Point("launch: after tracking is enqueued", SHORT, enqueue("after", "track", within=("launch",))),
        # Launches must come faster than they are let go, or nobody ever waits for the limit.
        Point("launch: pacer holds its role", SHORT, role("pacer"), start_rate=0.25),
        Point("track: before Describe or Get", SHORT, call("before", *LOOKS), "tracker"),
        Point("track: after Describe or Get", SHORT, call("after", *LOOKS), "tracker"),
        Point("track: before the commit of what was seen", SHORT, commit("before", *SEEN), "tracker"),
        Point("track: after the commit of what was seen", SHORT, commit("after", *SEEN), "tracker"),
        Point("web: cancel committed, not enqueued", LONG, enqueue("before", "cancel"), "person"),
        Point("cancel: before Stop", LONG, call("before", "StopAutomationExecution")),
        Point("cancel: Stop sent, not answered", LONG, call("sent", "StopAutomationExecution")),
        Point("cancel: after Stop", LONG, call("after", "StopAutomationExecution")),
        Point("cancel: after the commit of stop-sent", LONG, commit("after", "stop-sent")),
        Point("web: answer committed, not enqueued", ASKING, enqueue("before", "signal"), "person"),
        Point("signal: before Send", ASKING, call("before", "SendAutomationSignal")),
        Point("signal: Send sent, not answered", ASKING, call("sent", "SendAutomationSignal")),
        Point("signal: after Send", ASKING, call("after", "SendAutomationSignal")),
        Point("signal: before it is settled", ASKING, commit("before", "answer-sent")),
        Point("signal: after it is settled", ASKING, commit("after", "answer-sent")),
        Point("reconcile: in its middle", SHORT, midway("reconcile", 6), unheard=True),
        Point("anywhere, from outside", SHORT, nowhere),
    )
}
# The few of `make test`.
QUICK = ("launch: Start answered, not kept", "signal: after Send")
