"""The crash suite: `python -m tests.crash`, or `make crash`. See docs/benchmarks.md."""
