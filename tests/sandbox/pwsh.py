"""A stand-in for PowerShell: no PowerShell can be had where the tests run, and what it is given can be shown.

It is started as pwsh is, with the file that runs the script, the script, and the file for the answer; it
says what it was started with and does the script, which is one of the shell here: `$answer` is the file for
the answer, `give JSON` writes a payload there, and `fail TYPE MESSAGE` an error.
"""

import stat
from pathlib import Path

STAND_IN = r"""#!/bin/sh
echo "options: $1 $2 $3 $4"
wrapper=$5 script=$6 answer=$7
give() { printf '{"payload": "%s"}' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')" > "$answer"; }
fail() { printf '{"error": {"type": "%s", "message": "%s", "stage": "handler"}}' "$1" "$2" > "$answer"; }
. "$script"
"""


def write_pwsh(directory: Path) -> Path:
    """Make the stand-in in this directory."""
    program = directory / "pwsh"
    program.write_text(STAND_IN)
    program.chmod(stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH)
    return program
