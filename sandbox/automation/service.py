"""The parts of the Automation service of this process, put together."""

from sandbox import settings
from sandbox.automation.api.signalling import Signaller
from sandbox.automation.api.starting import Starter
from sandbox.automation.clock import clock_of
from sandbox.automation.engine import Engine
from sandbox.automation.records import Execution
from sandbox.automation.runner import Runner
from sandbox.automation.sessions import Sessions
from sandbox.automation.store import Store


def _ended(execution: Execution) -> None:
    sessions.forget(execution)
    runner.ended(execution)


def _changed(execution: Execution) -> None:
    runner.wake(execution)


clock = clock_of(settings.current().clock, seeded=settings.current().seed is not None)
store = Store()
sessions = Sessions(clock)
engine = Engine(store=store, clock=clock, client=sessions.client, on_end=_ended, wake=_changed)
runner = Runner(engine, store, clock)
starter = Starter(store=store, runner=runner, sessions=sessions, clock=clock)
signaller = Signaller(store=store, runner=runner, clock=clock)
