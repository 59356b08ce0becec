"""What the supervisor tells the person at the console."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from automation_portal.stack.layout import Layout

SignIn = Sequence[str]


def shown(path: Path) -> str:
    """Return the path as a person would type it from where they are."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def say(text: str) -> None:
    """Write a line to the console."""
    # A terminal that was closed must not end the supervisor before it has stopped its programs.
    with suppress(OSError, ValueError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def report(text: str) -> None:
    """Write a line with the time of day: something that happened while the portal runs."""
    say(f"{datetime.now().astimezone():%H:%M:%S} {text}")


def welcome(layout: Layout, sign_ins: Sequence[SignIn], seconds: float) -> None:
    """Print the block that ends the start: where the portal is and how to get in."""
    lines = ["", f"The Automation Portal is ready ({seconds:.1f} s)", "", f"  Address    {layout.url}/"]
    if sign_ins:
        lines += ["", "  Sign in as"]
        widths = [max(len(entry[column]) for entry in sign_ins) for column in (0, 1)]
        lines += [f"    {name:<{widths[0]}}  {word:<{widths[1]}}  {use}" for name, word, use in sign_ins]
        lines.append("")
    if layout.demonstration:
        lines.append(f"  Sandbox    {layout.sandbox_url}  (an AWS for trials: aws --endpoint-url ...)")
    lines += [
        f"  Data       {shown(layout.data)}  (all of it; logs in {shown(layout.logs)})",
        "",
        "  Ctrl-C stops it.",
        "",
    ]
    say("\n".join(lines))
