#!/usr/bin/env python
"""Django's command line for the instance that DATA_DIR and PORT name, from any shell."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    """Run a management command with the Python that has the portal's packages."""
    data = Path(os.environ.get("DATA_DIR", "").strip() or ROOT / "var").expanduser().resolve()
    # Compiled files belong with everything else that the portal writes, not beside the sources.
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(data / "cache" / "pycache"))
    sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "automation_portal.settings")
    use_portal_python(data)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def use_portal_python(data: Path) -> None:
    """Continue with the interpreter of the instance's environment, or of the checkout's .venv.

    Ends the process with one line when neither exists and this interpreter lacks Django.
    """
    for environment in (data / "venv", ROOT / ".venv"):
        python = environment / "bin" / "python"
        if not os.access(python, os.X_OK) or not (environment / "pyvenv.cfg").is_file():
            continue
        if Path(sys.prefix).resolve() != environment.resolve():
            os.execv(python, [str(python), *sys.argv])  # noqa: S606
        return
    try:
        import django  # noqa: F401
    except ImportError:
        sys.exit("The portal is not set up here yet: run `make run` first (with the same DATA_DIR, if any).")


if __name__ == "__main__":
    main()
