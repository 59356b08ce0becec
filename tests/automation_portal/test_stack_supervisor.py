"""How the supervisor starts, restarts and stops programs: real processes, small ones."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from automation_portal.stack.processes import living_sessions
from tests.support.stack import COMPILED, ROOT, Stack, eventually, free_port_pair, heeding_signals

# Writes the order in which programs stop.
OBEDIENT = 'trap "echo $NAME >> $DATA/stopped; exit 0" TERM; while :; do sleep 0.05; done'
STUBBORN = 'trap "" TERM; while :; do sleep 0.05; done'


def program(name: str, script: str = OBEDIENT, **more: Any) -> dict[str, Any]:
    return {"name": name, "script": f"NAME={name}; {script}", **more}


Start = Callable[..., Stack]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket's, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="portal-small-") as name:
        yield Path(name)


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start the supervisor over the given programs and wait until it says it is ready."""
    instances: list[Stack] = []

    def begin(
        programs: Sequence[dict[str, Any]],
        *,
        await_ready: bool = True,
        port: int | None = None,
        **variables: str,
    ) -> Stack:
        data = folder
        listing = data / "programs.json"
        listing.write_text(json.dumps(programs), encoding="utf-8")
        port = port or free_port_pair()
        environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(data),
            "PORT": str(port),
            "PYTHONPATH": str(ROOT),
            **COMPILED,
        } | variables
        instance = Stack(data, port, environment)
        with (data / "console.log").open("ab") as log, heeding_signals():
            instance.supervisor = subprocess.Popen(
                [sys.executable, "-m", "tests.support.small_instance", str(listing)],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        instances.append(instance)
        process = instance.supervisor
        if await_ready:
            eventually(
                lambda: instance.state().get("ready") or process.poll() is not None,
                seconds=20,
                what="the start",
            )
            assert process.poll() is None, instance.console
        return instance

    yield begin
    for instance in instances:
        instance.stop()


def gone(pids: Sequence[int]) -> bool:
    alive = {pid for members in living_sessions().values() for pid in members}
    return not alive.intersection(pids)


def stopped_order(instance: Stack) -> list[str]:
    return (instance.data / "stopped").read_text().split()


def test_it_starts_a_program_only_when_what_it_needs_answers(start: Start) -> None:
    instance = start(
        [
            program("web", f"date +%s%N > $DATA/web_began; {OBEDIENT}", needs=["engine"]),
            program("engine", f"sleep 0.4; date +%s%N > $DATA/engine_up; {OBEDIENT}", ready_file="engine_up"),
        ]
    )
    # The stack is ready when web has been started, which may be a moment before its first words.
    began = instance.data / "web_began"
    eventually(lambda: began.exists() and began.read_text().strip(), seconds=30, what="web's first words")
    assert int(began.read_text()) > int((instance.data / "engine_up").read_text())
    assert "engine" in instance.console
    assert f"http://127.0.0.1:{instance.port}/" in instance.console


def test_ctrl_c_stops_stage_by_stage_and_leaves_nothing_running(start: Start) -> None:
    instance = start([program("engine", stage=2), program("middle", stage=1), program("web")])
    pids = [pid for name in ("engine", "middle", "web") for pid in instance.members(name)]
    assert instance.stop() == 0
    assert stopped_order(instance) == ["web", "middle", "engine"]
    assert gone(pids)
    assert not (instance.data / "run" / "stack.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_stops_likewise_when_the_machine_or_the_terminal_asks(
    start: Start, number: signal.Signals
) -> None:
    instance = start([program("web")])
    assert instance.supervisor is not None
    instance.supervisor.send_signal(number)
    assert instance.supervisor.wait(20) == 0
    assert stopped_order(instance) == ["web"]


def test_it_kills_who_does_not_stop_in_time_and_says_so(start: Start) -> None:
    instance = start([program("stubborn", STUBBORN, grace=0.3), program("web")])
    pids = instance.members("stubborn")
    assert instance.stop() == 0
    assert gone(pids)
    assert "Killed, since it did not stop by itself: stubborn." in instance.console


def test_a_second_ctrl_c_stops_at_once(start: Start) -> None:
    instance = start([program("stubborn", STUBBORN, grace=60.0)])
    assert instance.supervisor is not None
    instance.supervisor.send_signal(signal.SIGINT)
    eventually(lambda: "Stopping" in instance.console, seconds=5, what="the farewell")
    # Signals within a second of each other are one request that came by two ways.
    with pytest.raises(subprocess.TimeoutExpired):
        instance.supervisor.wait(1.2)
    instance.supervisor.send_signal(signal.SIGINT)
    assert instance.supervisor.wait(10) == 0


def test_it_stops_what_a_program_started_even_in_other_process_groups(start: Start) -> None:
    # As RQ's work horses do: a process group of its own in the same session, deaf to requests.
    apart = (
        f"{sys.executable} -c 'import os,signal,time; os.setpgrp(); "
        'signal.signal(signal.SIGTERM, signal.SIG_IGN); open(os.environ["DATA"]+"/horse","w").close(); '
        "time.sleep(600)' & "
    )
    instance = start([program("workers", apart + OBEDIENT, grace=0.5, ready_file="horse")])
    pids = instance.members("workers")
    assert len(pids) >= 2
    instance.stop()
    assert gone(pids)


def test_a_program_that_dies_is_started_again_and_the_console_says_so(start: Start) -> None:
    instance = start([program("web")])
    first = instance.pid("web")
    instance.kill("web")
    second = instance.await_restart("web", since=first)
    assert second != first
    assert "web ended (killed by SIGKILL); it is started again in 0.5 s. Its log: " in instance.console


def test_children_of_a_dead_program_do_not_outlive_it(start: Start) -> None:
    instance = start([program("workers", f"sleep 600 & {OBEDIENT}")])
    leader = instance.pid("workers")
    assert leader is not None
    left = [pid for pid in instance.members("workers") if pid != leader]
    os.kill(leader, signal.SIGKILL)
    instance.await_restart("workers", since=leader)
    eventually(lambda: gone(left), seconds=10, what="the orphans' end")


def test_kill_9_of_the_supervisor_stops_everything_in_order(start: Start) -> None:
    instance = start([program("engine", stage=1), program("web")])
    pids = [pid for name in ("engine", "web") for pid in instance.members(name)]
    assert instance.supervisor is not None
    instance.supervisor.kill()
    eventually(lambda: gone(pids), seconds=15, what="the warden's work")
    assert stopped_order(instance) == ["web", "engine"]


def test_a_start_after_a_killed_one_waits_for_the_rest_of_that(start: Start) -> None:
    slow = 'trap "sleep 1; echo slow >> $DATA/stopped; exit 0" TERM; while :; do sleep 0.05; done'
    programs = [program("slow", slow)]
    first = start(programs)
    assert first.supervisor is not None
    first.supervisor.kill()
    first.supervisor.wait(5)
    (first.data / "run" / "stack.json").unlink()
    second = start(programs, port=first.port)
    assert stopped_order(second) == ["slow"]
    assert "waiting until what it left has stopped" in second.console


def test_a_second_instance_in_the_same_folder_gets_one_line(start: Start) -> None:
    first = start([program("web")])
    said = len(first.console)
    second = start([program("web")], await_ready=False)
    assert second.supervisor is not None
    assert second.supervisor.wait(20) == 1
    line = second.console[said:]
    assert line.count("\n") == 1
    assert "already runs from" in line
    assert first.url in line


def test_a_port_in_use_gets_one_line_that_names_it_and_a_free_one(start: Start) -> None:
    port = free_port_pair()
    with socket.create_server(("127.0.0.1", port + 1)):
        instance = start([program("web")], await_ready=False, port=port)
        assert instance.supervisor is not None
        assert instance.supervisor.wait(20) == 1
    assert instance.console.count("\n") == 1
    assert f"Port {port + 1} (the sandbox's port) is in use by" in instance.console
    assert f"(process {os.getpid()})" in instance.console
    assert "PORT=" in instance.console
    assert "make run" in instance.console


def test_a_program_that_cannot_start_ends_the_start_with_its_last_words(start: Start) -> None:
    instance = start(
        [program("web"), program("sandbox", "echo 'no such module' >&2; exit 3", ready_file="never")],
        await_ready=False,
    )
    assert instance.supervisor is not None
    assert instance.supervisor.wait(20) == 1
    assert "no such module" in instance.console
    assert "sandbox ended while starting (exit status 3). Its log: " in instance.console
    assert instance.members("web") == []


def test_what_preparation_announces_lets_others_start_and_ends_on_the_console(start: Start) -> None:
    announce = (
        'echo \'{"reached": "database"}\'; '
        'echo \'{"sign_ins": [["operator", "secret-word", "runs what was delegated"]]}\''
    )
    instance = start(
        [
            program("prepare", announce, lasting=False),
            program("workers", f"touch $DATA/working; {OBEDIENT}", needs=["database"], ready_file="working"),
        ]
    )
    # The state says that it is ready a moment before the console does.
    told = "operator  secret-word  runs what was delegated"
    eventually(lambda: told in instance.console, seconds=20, what="the sign-ins on the console")


def test_a_fault_that_preparation_announces_is_all_that_is_said(start: Start) -> None:
    instance = start(
        [program("prepare", 'echo \'{"fault": "SECRET_KEY must be set."}\'; exit 1', lasting=False)],
        await_ready=False,
    )
    assert instance.supervisor is not None
    assert instance.supervisor.wait(20) == 1
    assert instance.console == "SECRET_KEY must be set.\n"


def test_errors_in_a_log_are_told_with_the_place_of_the_log(start: Start) -> None:
    instance = start([program("web", f"sleep 0.5; echo '2026-01-01 ERROR django: it broke'; {OBEDIENT}")])
    eventually(lambda: "it broke" in instance.console, seconds=10, what="the error on the console")
    assert "web.log)" in instance.console


def test_it_stops_when_the_make_that_started_it_is_killed(folder: Path) -> None:
    listing = folder / "programs.json"
    listing.write_text(json.dumps([program("web")]), encoding="utf-8")
    port = free_port_pair()
    make = subprocess.Popen(
        [sys.executable, "-c", _AS_MAKE, sys.executable, "-m", "tests.support.small_instance", str(listing)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder),
            "PORT": str(port),
            "MAKELEVEL": "1",
            **COMPILED,
        },
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    instance = Stack(folder, port, {})
    eventually(lambda: instance.state().get("ready"), seconds=20, what="the start")
    pids = [*instance.members("web"), instance.state()["pid"]]
    make.kill()
    make.wait(5)
    eventually(lambda: gone(pids), seconds=15, what="the supervisor to notice")


_AS_MAKE = "import subprocess, sys; subprocess.call(sys.argv[1:])"
