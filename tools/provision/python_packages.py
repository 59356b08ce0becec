"""Makes the virtual environment and keeps it as the requirement files say."""

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from provision.console import SetupError, ToolFailed, run_tool
from provision.places import ROOT, Places, digest, python_words

RUN = (ROOT / "requirements.txt",)
TEST = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")
NODE = (ROOT / "tools" / "requirements-node.txt",)

UNREACHABLE = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "nodename nor servname",
    "Failed to establish a new connection",
    "Network is unreachable",
    "Connection refused",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "Read timed out",
    "ProxyError",
    "ENOTFOUND",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "network request failed",
)


def network_advice(tail: Sequence[str], *, tool: str, mirror: str) -> str:
    """Return what to do about a failed download.

    tail: the last lines of the tool's output. mirror: the setting that names another package index.
    """
    text = "\n".join(tail)
    if any(sign in text for sign in UNREACHABLE):
        return (
            f"{tool} could not reach its package index. Check the network, the proxy (HTTPS_PROXY) or name a "
            f"mirror ({mirror}), then start again: what is already there is kept."
        )
    if "No space left on device" in text:
        return "The disk that holds DATA_DIR is full. Free some space and start again."
    return f"{tool} failed; its last lines above say why. Put that right and start again."


def pip_advice(tail: Sequence[str]) -> str:
    """Return what to do about a failed pip."""
    text = "\n".join(tail)
    if "No matching distribution found" in text and not any(sign in text for sign in UNREACHABLE):
        return (
            f"A pinned package has no version for Python {python_words()} on this machine, or the package "
            "index could not be reached. Check the network, or try another: PYTHON=python3.12 make run."
        )
    return network_advice(tail, tool="pip", mirror="PIP_INDEX_URL")


class Environment:
    """The virtual environment of one DATA_DIR.

    A file inside it names what it was made from and what was installed completely. Another, present while
    something is being installed, marks it as half-made: whoever finds that one starts anew.
    """

    def __init__(self, where: Places):
        self.where = where
        self.stamp = where.venv / ".portal.json"
        self.unfinished = where.venv / ".portal-unfinished"

    def ensure(
        self,
        requirements: Sequence[Path],
        *,
        title: str,
        advice: Callable[[Sequence[str]], str] = pip_advice,
    ) -> None:
        """Make the environment hold everything that the requirement files pin; quick when it already does.

        advice: given the last lines of a failed pip, says what a person should do.
        Raises SetupError in words when Python cannot make one or pip fails.
        """
        if not self._usable():
            self._create()
        wanted = digest(requirements, base=ROOT)
        installed = self._installed()
        name = requirements[-1].name
        if installed.get(name) == wanted:
            return
        self.unfinished.touch()
        listed = [word for file in requirements for word in ("-r", str(file))]
        try:
            run_tool(
                title,
                [self.where.python, "-m", "pip", "install", *listed],
                environment=self.where.environment(),
                advice=advice,
                cwd=ROOT,
            )
        except ToolFailed:
            # pip undoes what it could not finish; only a killed one leaves packages in halves.
            self.unfinished.unlink()
            raise
        if name == RUN[-1].name:
            # Pins that changed may have taken away what the other sets rest on.
            installed = {}
        installed[name] = wanted
        self._write({"path": str(self.where.venv), "installed": installed})
        self.unfinished.unlink()

    def _usable(self) -> bool:
        """Whether the environment exists, is whole, stands where it was made and its Python still runs."""
        if self.unfinished.exists() or not os.access(self.where.python, os.X_OK):
            return False
        made_at = self._read().get("path", str(self.where.venv))
        return bool(made_at == str(self.where.venv))

    def _create(self) -> None:
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            raise SetupError(
                f"{sys.executable} lacks the module {missing[0]!r}, which makes virtual environments. "
                f"Install it (Debian, Ubuntu: apt-get install python{python_words()}-venv) and start again."
            )
        shutil.rmtree(self.where.venv, ignore_errors=True)
        self.where.venv.mkdir(parents=True)
        self.unfinished.touch()
        run_tool(
            f"Making the virtual environment (Python {python_words()})",
            [sys.executable, "-m", "venv", self.where.venv],
            environment=self.where.environment(),
            advice=lambda tail: (
                f"{sys.executable} could not make a virtual environment; its last lines above say why. "
                f"On Debian and Ubuntu, apt-get install python{python_words()}-venv often helps."
            ),
        )

    def _read(self) -> dict[str, object]:
        try:
            content: dict[str, object] = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return content

    def _installed(self) -> dict[str, str]:
        installed = self._read().get("installed")
        return (
            {str(name): str(value) for name, value in installed.items()}
            if isinstance(installed, dict)
            else {}
        )

    def _write(self, content: dict[str, object]) -> None:
        draft = self.stamp.with_suffix(".new")
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.stamp)
