"""Code that documents and functions bring along, run in confined processes of their own.

`runner` starts a `Job` (a Python handler, its files, its event) and gives a `Result`; aws:executeScript and
the Lambda emulation both use it. What is confined, and where it can only be confined in part, is told in
docs/sandbox.md.
"""

from sandbox.scripts.jobs import Credentials, Job, Limits, Result, ScriptError
from sandbox.scripts.runner import Script, ScriptRunner

__all__ = ["Credentials", "Job", "Limits", "Result", "Script", "ScriptError", "ScriptRunner", "runner"]

runner = ScriptRunner()
