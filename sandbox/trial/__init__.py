"""Trial runs: documents run against a sandbox of their own, in a world made for them, and a report.

`command` is `python -m sandbox trial`; `lab` is the sandbox, `world` what exists in it, `values` what a
document is started with, `running` one trial, `reasons`, `coverage` and `report` what is told of it.
"""
