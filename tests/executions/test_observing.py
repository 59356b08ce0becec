"""What AWS says of a run becomes its rows and numbered events, whether a full look said it or a list."""

from datetime import timedelta

import pytest

from common.clock import now
from executions import observing
from executions.models import Execution, Status
from tests.executions.remote import remote, remote_step, summary, words

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


@pytest.fixture
def run(make_run):
    return make_run(status=Status.PENDING, aws_execution_id="a")


def observe(run: Execution, *args, **fields) -> bool:
    run.refresh_from_db()
    return observing.apply(run, remote(*args, **fields))


def note(run: Execution, *summaries) -> None:
    observing.note(run.target_id, summaries)
    run.refresh_from_db()


def test_what_aws_reports_becomes_numbered_events(run):
    assert observe(run, "InProgress", remote_step())
    denied = "You are not authorized to perform this operation."
    assert observe(run, "Failed", remote_step(status="Failed", failure=denied), failure="Step launch failed.")
    run.refresh_from_db()
    assert words(run) == [
        "Step “launch” (aws:runInstances) started",
        "The run is InProgress",
        f"Step “launch”: Failed. {denied}",
        "The run is Failed. Step launch failed.",
    ]
    assert run.last_event == 4
    assert run.ended_at is not None
    assert run.steps.get().failure == denied


def test_nothing_is_written_when_nothing_has_changed(run):
    observe(run, "InProgress", remote_step())
    assert not observe(run, "InProgress", remote_step())
    assert len(words(run)) == 2


def test_of_two_trackers_with_the_same_news_one_writes_it(run):
    first, second = Execution.objects.get(pk=run.pk), Execution.objects.get(pk=run.pk)
    assert observing.apply(first, remote("InProgress", remote_step()))
    assert not observing.apply(second, remote("InProgress", remote_step()))
    assert len(words(run)) == 2


def test_an_ended_run_is_not_revived(make_run):
    run = make_run(status=Status.CANCELLED, aws_execution_id="a", ended_at=now())
    assert not observe(run, "InProgress", remote_step())
    note(run, summary("InProgress"))
    assert run.status == Status.CANCELLED


def test_a_state_that_aws_has_added_since_counts_as_in_progress(run):
    observe(run, "ThinkingItOver")
    run.refresh_from_db()
    assert run.status == Status.IN_PROGRESS


def test_what_a_list_says_is_told_and_the_rest_follows_with_a_full_look(run):
    note(run, summary("InProgress", current_step="launch"))
    assert (run.status, run.current_step) == (Status.IN_PROGRESS, "launch")
    assert run.behind_since == run.observed_at is not None
    assert observe(run, "InProgress", remote_step())
    run.refresh_from_db()
    assert run.behind_since is None
    # That the step started is not told a second time.
    assert words(run) == [
        "The run is InProgress",
        "Step “launch” started",
        "AWS reports more about the run",
    ]


def test_the_steps_of_a_run_whose_end_a_list_told_are_still_brought(run):
    note(run, summary("Failed", failure="Step launch failed.", ended_at=now()))
    assert run.is_final
    assert not run.is_settled
    ended_at = run.ended_at
    observe(run, "Failed", remote_step(status="Failed"), failure="Step launch failed.", outputs={"a": ["1"]})
    run.refresh_from_db()
    assert run.is_settled
    assert (run.outputs, run.ended_at) == ({"a": ["1"]}, ended_at)
    assert words(run) == ["The run is Failed. Step launch failed.", "Step “launch”: Failed"]


def test_a_list_without_news_says_that_the_run_was_looked_at(run):
    note(run, summary("InProgress"))
    before = run.observed_at
    note(run, summary("InProgress"))
    assert run.observed_at > before
    assert len(words(run)) == 2


def test_an_answer_older_than_what_is_known_is_passed_over(run):
    earlier = now() - timedelta(seconds=1)
    observe(run, "Waiting", remote_step(status="Waiting"))
    run.refresh_from_db()
    assert not observing.apply(run, remote("InProgress", remote_step(), asked_at=earlier))
    assert not observing.note(run.target_id, [summary("InProgress", asked_at=earlier)])
    run.refresh_from_db()
    assert run.status == Status.WAITING


def test_news_that_comes_while_aws_is_asked_leaves_the_run_behind(run):
    asked_at = now()
    Execution.objects.update(behind_since=now())
    run.refresh_from_db()
    assert observing.apply(run, remote("InProgress", remote_step(), asked_at=asked_at))
    run.refresh_from_db()
    assert run.behind_since is not None


def test_a_run_step_by_step_stays_behind_until_aws_acts_on_what_it_was_told(run):
    steps = remote_step("one", "Success", ended_at=now()), remote_step("two", "Pending", started_at=None)
    observe(run, "Waiting", *steps)
    asked = now()
    Execution.objects.update(behind_since=asked, step_by_step=True)
    observe(run, "Waiting", *steps)
    run.refresh_from_db()
    assert run.behind_since == asked, "AWS may act on it yet, and no list would tell"
    observe(run, "Waiting", steps[0], remote_step("two", "Success", ended_at=now()))
    run.refresh_from_db()
    assert run.behind_since is None
    Execution.objects.update(behind_since=asked)
    observe(run, "Waiting", *steps, asked_at=asked + timedelta(seconds=6))
    observe(run, "Waiting", *steps, asked_at=asked + timedelta(seconds=7))
    run.refresh_from_db()
    assert run.behind_since is None, "it does not wait for ever"


def test_a_list_tells_nothing_of_another_targets_run(run):
    observing.note(run.target_id + 1, [summary("InProgress")])
    run.refresh_from_db()
    assert (run.status, run.observed_at) == (Status.PENDING, None)


def test_a_mark_keeps_its_first_moment(run):
    first = now() - timedelta(seconds=5)
    assert observing.mark_behind(["a", "stranger"], run.target_id, first) == ["a"]
    observing.mark_behind(["a"], run.target_id, now())
    run.refresh_from_db()
    assert run.behind_since == first
    assert words(run) == []
