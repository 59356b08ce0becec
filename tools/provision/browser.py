"""Finds the Chromium that the browser tests drive, and installs one where that is allowed."""

import os
import shutil
import subprocess
from pathlib import Path

from provision.console import SetupError, ToolFailed, run_tool
from provision.places import Places

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BUNDLES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Debian's and Ubuntu's lists of packages are absent from fresh container images, hence the update.
INSTALLERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "apt-get": (("apt-get", "update"), ("apt-get", "install", "-y", "--no-install-recommends", "chromium")),
    "dnf": (("dnf", "install", "-y", "chromium"),),
    "apk": (("apk", "add", "--no-cache", "chromium"),),
    "pacman": (("pacman", "-Sy", "--noconfirm", "chromium"),),
    "zypper": (("zypper", "--non-interactive", "install", "chromium"),),
}


def chromium(where: Places) -> Path:
    """Return a Chromium that runs, installing one when the person is root and has a package manager.

    Raises SetupError saying exactly what to install.
    """
    named = os.environ.get("CHROMIUM_PATH", "").strip()
    if named:
        if _runs(named):
            return Path(named)
        raise SetupError(f"CHROMIUM_PATH is {named}, which is not a Chromium that runs. Correct or unset it.")
    found = _installed()
    if found is not None:
        return found
    manager = next((name for name in INSTALLERS if shutil.which(name)), None)
    if manager is not None and os.geteuid() == 0:
        _install(where, manager)
        found = _installed()
        if found is not None:
            return found
    raise SetupError(f"The browser tests need Chromium or Chrome. {_what_to_install(manager)}")


def _what_to_install(manager: str | None) -> str:
    if manager is None:
        return "Install either one, or set CHROMIUM_PATH to its program, and start again."
    command = " && ".join(f"sudo {' '.join(words)}" for words in INSTALLERS[manager])
    return f"Install it with `{command}`, or set CHROMIUM_PATH to its program, and start again."


def _install(where: Places, manager: str) -> None:
    environment = where.environment() | {"DEBIAN_FRONTEND": "noninteractive"}
    advice = f"{manager} failed; its last lines above say why. {_what_to_install(manager)}"
    for command in INSTALLERS[manager]:
        try:
            run_tool(
                f"Installing Chromium ({' '.join(command[:2])})",
                command,
                environment=environment,
                advice=lambda tail: advice,
            )
        except ToolFailed:
            # One unreachable third-party list fails the update although Debian's own came through.
            if "update" not in command:
                raise


def _installed() -> Path | None:
    candidates = [shutil.which(name) for name in NAMES] + [path for path in BUNDLES if Path(path).exists()]
    return next((Path(path) for path in candidates if path and _runs(path)), None)


def _runs(path: str) -> bool:
    """Whether the program starts: Ubuntu's `chromium-browser` may be a notice about snaps instead."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0
