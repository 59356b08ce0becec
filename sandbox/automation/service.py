"""The parts of the Automation service of this process, put together."""

from sandbox.automation.api.signalling import Signaller
from sandbox.automation.api.starting import Starter
from sandbox.automation.clock import SystemClock
from sandbox.automation.engine import Engine
from sandbox.automation.runner import Runner
from sandbox.automation.sessions import Sessions
from sandbox.automation.store import Store

clock = SystemClock()
store = Store()
sessions = Sessions(clock)
engine = Engine(store=store, clock=clock, client=sessions.client, on_end=sessions.forget)
runner = Runner(engine, store, clock)
starter = Starter(store=store, runner=runner, sessions=sessions, clock=clock)
signaller = Signaller(store=store, runner=runner, clock=clock)
