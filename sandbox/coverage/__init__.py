"""What the sandbox has of Automation, and what not: the tables of docs/sandbox-coverage.md.

``python -m sandbox.coverage docs/sandbox-coverage.md`` writes them, from what the code itself declares. The
tests in tests/sandbox/coverage hold each declaration against what happens.
"""

from sandbox.coverage.document import render

__all__ = ["render"]
