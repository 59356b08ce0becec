"""What a web process does before its first request."""

import os
import subprocess
import sys

from tests.support.stack import COMPILED, ROOT

SAID = """
import automation_portal.asgi, gc, sys
print("executions.views" in sys.modules, gc.get_freeze_count() > 10 * len(gc.get_objects()))
"""


def test_what_is_loaded_once_is_not_searched_for_garbage(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", SAID],
        cwd=ROOT,
        env={**kept, **COMPILED, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
