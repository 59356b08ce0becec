"""The parts of the Automation service of this process, put together."""

from collections.abc import Callable

from sandbox import settings
from sandbox.automation import notices
from sandbox.automation.alarms import AlarmWatch
from sandbox.automation.api.previews import Previews
from sandbox.automation.api.signalling import Signaller
from sandbox.automation.api.starting import Starter
from sandbox.automation.children import Children
from sandbox.automation.clock import SystemClock, clock_of
from sandbox.automation.engine import Engine
from sandbox.automation.rate_control import Conductor, Movers
from sandbox.automation.records import Execution
from sandbox.automation.runner import Runner
from sandbox.automation.sessions import Sessions
from sandbox.automation.store import Store
from sandbox.automation.work import Work
from sandbox.services import alarms


def _ended(execution: Execution) -> None:
    sessions.forget(execution)
    runner.ended(execution)


def _changed(execution: Execution) -> None:
    runner.wake(execution)


def _held() -> Callable[[], None]:
    return runner.hold()


def _begun(execution: Execution) -> None:
    runner.submit(execution)


def _moved(execution: Execution) -> None:
    notices.tell(execution, clock.now())


clock = clock_of(settings.current().clock, seeded=settings.current().seed is not None)
store = Store()
store.on_move = _moved
# Credentials end by the machine's time, whatever automations take for the time.
sessions = Sessions(SystemClock())
work = Work(store=store, clock=clock, wake=_changed, hold=_held)
engine = Engine(
    store=store,
    clock=clock,
    client=sessions.client,
    on_end=_ended,
    wake=_changed,
    throttling_limit=store.throttling_limit,
    keys=sessions.role_keys,
    work=work,
)
children = Children(store=store, sessions=sessions, clock=clock, submit=_begun)
conductor = Conductor(store=store, clock=clock, begin=children.begin, wake=_changed, on_end=_ended)
runner = Runner(Movers(engine, conductor), store, clock)
starter = Starter(store=store, runner=runner, sessions=sessions, clock=clock)
signaller = Signaller(store=store, runner=runner, clock=clock)
previews = Previews(clock)
alarm_watch = AlarmWatch(store, _changed)
alarms.listen(alarm_watch.look)
