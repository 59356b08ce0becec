"""What each process of the stack is told, and what it is not; and the logs that it writes."""

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from automation_portal.stack.journal import LARGEST_BYTES, Journal
from automation_portal.stack.layout import (
    Layout,
    StackError,
    portal_environment,
    sandbox_environment,
    sandbox_root_key,
)
from automation_portal.stack.programs import programs


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "d"))
    monkeypatch.setenv("PORT", "8010")
    monkeypatch.delenv("SANDBOX_PORT", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    found = Layout.from_environment()
    found.make_folders()
    return found


def test_the_sandbox_has_the_next_port(layout: Layout) -> None:
    assert (layout.port, layout.sandbox_port) == (8010, 8011)


@pytest.mark.parametrize("port", ["abc", "0", "70000", "80 80"])
def test_a_bad_port_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(ImproperlyConfigured, match="PORT must be a whole number"):
        Layout.from_environment()


def test_a_folder_too_deep_for_a_socket_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/" + "x" * 100)
    with pytest.raises(StackError, match="too long a path"):
        Layout.from_environment()


def test_only_the_sandbox_is_given_its_root_key(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_ROOT_ACCESS_KEY_ID", "AKIASOMEONEELSES0000")
    secret = sandbox_root_key(layout)["secret_access_key"]
    holders = {program.name for program in programs(layout) if secret in program.environment.values()}
    assert holders == {"sandbox"}
    assert not [name for name in portal_environment(layout) if name.startswith("SANDBOX_ROOT_")]


def test_the_root_key_is_kept_and_its_owner_s_alone(layout: Layout) -> None:
    assert sandbox_root_key(layout) == sandbox_root_key(layout)
    mode = (layout.data / "secrets" / "sandbox.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE((layout.data / "secrets").stat().st_mode) == 0o700


def test_the_sandbox_knows_nothing_of_the_portal_or_of_real_aws(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "DATABASE_URL", "SECRET_KEY"):
        monkeypatch.setenv(name, "mine")
    assert "mine" not in sandbox_environment(layout).values()
    assert portal_environment(layout)["AWS_PROFILE"] == "mine"


def test_nothing_of_ours_is_reached_through_a_proxy(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    assert portal_environment(layout)["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_engines_named_by_address_are_not_started(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    monkeypatch.setenv("PORTAL_MODE", "production")
    names = [program.name for program in programs(Layout.from_environment())]
    assert "valkey" not in names
    assert "sandbox" not in names
    assert {"prepare", "portal"} == set(names)


def test_a_new_start_keeps_the_logs_of_the_last_three(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "web.log")
    for number in range(6):
        journal.turn_over()
        journal.path.write_text(f"start {number}")
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == [
        "start 5",
        "start 4",
        "start 3",
        "start 2",
    ]


def test_a_log_does_not_grow_without_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "web.log")
    with os.fdopen(journal.open(), "wb", buffering=0) as log:
        log.write(b"x" * (LARGEST_BYTES + 1))
        journal.bound()
        log.write(b"after\n")
    assert journal.path.read_bytes() == b"after\n"
    assert (tmp_path / "web.log.1").stat().st_size == LARGEST_BYTES + 1


def test_grave_lines_are_told_once_and_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "web.log")
    assert list(journal.grave_lines()) == []
    journal.path.write_text("INFO fine\nERROR one\nERROR tw")
    assert list(journal.grave_lines()) == ["ERROR one"]
    with journal.path.open("a") as log:
        log.write("o\n")
    assert list(journal.grave_lines()) == ["ERROR two"]
