"""Time: the clocks, and how the runner lets a virtual one leap and stand still."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.automation.clock import SEEDED_START, ScaledClock, SystemClock, VirtualClock, clock_of
from sandbox.automation.engine import Engine
from sandbox.automation.flow import parsed
from sandbox.automation.ids import Ids
from sandbox.automation.records import Execution, Signal, StepExecution
from sandbox.automation.runner import Runner
from sandbox.automation.store import Store
from sandbox.settings import SettingsError, read_clock, read_settings

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SECONDS = 30.0


def sleep(name: str, duration: str) -> dict[str, Any]:
    return {"name": name, "action": "aws:sleep", "inputs": {"Duration": duration}}


PAUSE = {"name": "hold", "action": "aws:pause", "inputs": {}}


class House:
    """A runner with threads of its own, on a virtual clock; whatever ends is noted in order."""

    def __init__(self) -> None:
        self.clock = VirtualClock(START)
        self.store = Store()
        self.ended: list[str] = []
        self._news = threading.Condition()
        engine = Engine(store=self.store, clock=self.clock, client=_no_client, on_end=self._note)
        self.runner = Runner(engine, self.store, self.clock)

    def begin(self, name: str, *steps: dict[str, Any], **more: Any) -> Execution:
        text = json.dumps({"schemaVersion": "0.3", "mainSteps": list(steps)})
        model = parsed(text, "JSON")
        execution = Execution(
            id=name,
            account_id="123456789012",
            region="us-east-1",
            partition="aws",
            document_name="Trial",
            document_version="1",
            document_text=text,
            document_format="JSON",
            parameters={},
            executed_by="arn:aws:iam::123456789012:user/tester",
            caller=None,
            role_arn=None,
            started_at=self.clock.now(),
            steps=[StepExecution(name=step.name, action=step.action) for step in model.steps],
            upcoming=model.steps[0].name,
            **more,
        )
        self.store.add(execution)
        self.runner.submit(execution)
        return execution

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(condition, timeout=SECONDS)

    def wait_for_end(self, *names: str) -> None:
        self.wait(lambda: set(names) <= set(self.ended))

    def wait_for_pause(self, execution: Execution) -> None:
        self.store.on_change = self._tell
        self.wait(lambda: execution.status == "Waiting")

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    def _note(self, execution: Execution) -> None:
        with self._news:
            self.ended.append(execution.id)
            self._news.notify_all()


def _no_client(_execution: Execution, service: str) -> Any:
    raise AssertionError(f"nothing here calls {service}")


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.runner.stop()


def test_time_leaps_to_what_is_due_next_and_runs_keep_their_order(house):
    release = house.runner.hold()
    house.begin("long", sleep("nap", "PT3H"))
    house.begin("short", sleep("nap", "PT1H"), sleep("again", "PT1H"))
    release()
    house.wait_for_end("long", "short")
    assert house.ended == ["short", "long"]
    for name, hours in (("short", 2), ("long", 3)):
        execution = house.store.get(name)
        assert execution.ended_at - execution.started_at == hours * HOUR


def test_time_stands_still_while_all_that_is_left_waits_for_people(house):
    waiting = house.begin("waiting", PAUSE)
    house.wait_for_pause(waiting)
    moment = house.clock.now()
    house.begin("nap", sleep("nap", "PT1H"))
    house.wait_for_end("nap")
    assert (house.clock.now() - moment, waiting.status) == (HOUR, "Waiting")
    with house.store.changing():
        waiting.current_step.signals.append(Signal("Resume", "someone", "", house.clock.now()))
        waiting.current_step.wake_at = house.clock.now()
    house.runner.wake(waiting)
    house.wait_for_end("waiting")
    assert waiting.status == "Success"


def test_those_who_wait_give_up_when_the_time_of_others_passes_their_timeout(house):
    waiting = house.begin("waiting", PAUSE)
    house.wait_for_pause(waiting)
    house.begin("nap", sleep("nap", "P6D"), sleep("again", "P2D"))
    house.wait_for_end("waiting", "nap")
    assert house.ended == ["waiting", "nap"]
    assert waiting.status == "TimedOut"
    assert waiting.ended_at - waiting.started_at == dt.timedelta(days=7)


def test_a_trial_can_let_even_those_who_wait_for_people_time_out(house):
    waiting = house.begin("waiting", PAUSE, deadline=START + 12 * HOUR)
    house.wait_for_pause(waiting)
    house.runner.expire_waits()
    house.wait_for_end("waiting")
    assert waiting.ended_at - waiting.started_at == 12 * HOUR


def test_time_does_not_leap_while_a_turn_is_under_way(house, monkeypatch):
    from sandbox.automation import actions

    begun, go_on = threading.Event(), threading.Event()
    slow = actions.REGISTRY["aws:createTags"]

    def run(_context: Any) -> Any:
        begun.set()
        assert go_on.wait(SECONDS)
        return actions.sleep.Done()

    monkeypatch.setitem(actions.REGISTRY, slow.name, type(slow)(slow.name, run))
    busy = house.begin("busy", {"name": "tag", "action": "aws:createTags", "inputs": {}})
    assert begun.wait(SECONDS)
    quick = house.begin("quick", sleep("nap", "PT0S"), sleep("long", "PT1H"))
    house.store.on_change = house._tell
    # Another run goes on beside the slow turn, but its hour does not pass.
    house.wait(lambda: quick.steps[0].status == "Success" and quick.steps[1].wake_at is not None)
    assert house.clock.now() == START
    go_on.set()
    house.wait_for_end("busy", "quick")
    assert (busy.ended_at, quick.ended_at) == (START, START + HOUR)


def test_many_runs_share_few_threads(house, monkeypatch):
    monkeypatch.setattr("sandbox.settings._current", read_settings({}, port=0, limits="running=300"))
    runs = [house.begin(f"run-{n}", sleep("one", "PT1M"), sleep("two", "PT1M")) for n in range(300)]
    house.wait_for_end(*(run.id for run in runs))
    assert {run.status for run in runs} == {"Success"}
    assert len(house.runner._threads) <= 16


def test_a_scaled_clock_runs_faster_and_waits_less():
    clock = ScaledClock(3600.0, START)
    seconds = clock.seconds_until(START + 10 * HOUR)
    assert seconds is not None
    assert 9 <= seconds <= 10
    clock.move_to(START + 20 * HOUR)
    assert clock.now() >= START + 20 * HOUR
    clock.move_to(START)
    assert clock.now() >= START + 20 * HOUR


def test_the_setting_says_how_time_passes():
    assert isinstance(clock_of(read_clock("real")), SystemClock)
    assert isinstance(clock_of(read_clock("x60")), ScaledClock)
    virtual = clock_of(read_clock("virtual"), seeded=True)
    assert virtual.now() == SEEDED_START
    for wrong in ("fast", "x0", "x-1", "x", "60", "x99999999"):
        with pytest.raises(SettingsError, match="the clock is real, virtual"):
            read_clock(wrong)


def test_ids_repeat_under_a_seed_and_only_then():
    def made(seed: int | None) -> list[str]:
        ids = Ids(seed)
        run = ids.execution_id()
        return [run, ids.execution_id(), ids.execution_id("cause"), ids.step_id(run, 0), ids.step_id(run, 1)]

    assert made(7) == made(7)
    assert len(set(made(7))) == 5
    assert not set(made(7)) & set(made(8))
    assert not set(made(None)) & set(made(None))
