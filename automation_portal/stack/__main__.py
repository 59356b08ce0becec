"""`python -m automation_portal.stack`: what `make run` ends in."""

import sys

from django.core.exceptions import ImproperlyConfigured

from automation_portal.stack.layout import Layout, StackError
from automation_portal.stack.supervisor import supervise


def main() -> int:
    """Run the instance that the environment names; returns the process's exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return supervise(Layout.from_environment())
    except (ImproperlyConfigured, StackError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
