"""Sets the portal up and then runs, tests or checks it: `python3 tools/bootstrap.py COMMAND`.

Needs nothing but Python's standard library. This file alone must also be readable by an older Python, which
looks for a newer one beside itself and otherwise says in one line what is missing.
"""

import os
import shutil
import subprocess
import sys

MINIMUM = (3, 11)
NEWEST_TRIED = 20


def newer_python():
    """Return the path of the newest Python in PATH that is new enough and can make virtual environments."""
    for minor in range(NEWEST_TRIED, MINIMUM[1] - 1, -1):
        path = shutil.which("python3.{}".format(minor))  # noqa: UP032
        if path is None:
            continue
        trial = subprocess.run([path, "-c", "import ensurepip, venv"], capture_output=True, check=False)
        if trial.returncode == 0:
            return path
    return None


def main():
    """Run the command with a Python that is new enough; return the process's exit status."""
    sys.dont_write_bytecode = True
    if sys.version_info < MINIMUM:
        python = newer_python()
        if python is None:
            sys.stderr.write(
                "The portal needs Python {}.{} or newer, and this machine's `{}` is {}.{}. "  # noqa: UP032
                "Install a newer one (for instance `apt-get install python3.12 python3.12-venv`, or from "
                "python.org) and start again; `PYTHON=/path/to/python3.12 make run` names one.\n".format(
                    MINIMUM[0], MINIMUM[1], sys.executable, sys.version_info[0], sys.version_info[1]
                )
            )
            return 1
        os.execv(python, [python, *sys.argv])  # noqa: S606
    from provision.commands import main as provisioned

    return provisioned(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
