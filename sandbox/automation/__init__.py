"""Systems Manager Automation: the API on top of moto's Systems Manager, and the engine that runs documents.

The server calls `install()` before it builds its applications, `resume()` once it listens, and `shutdown()`
before it saves state for the last time. `store` is what a saved state has to hold (`dump`, `load`,
`on_change`).
"""

from sandbox import scripts
from sandbox.automation.service import runner, store

__all__ = ["install", "resume", "shutdown", "store"]


def install() -> None:
    """Put our response class in the place of moto's."""
    import moto.ssm.urls

    from sandbox.automation.api.responses import AutomationResponse

    moto.ssm.urls.url_paths = dict.fromkeys(moto.ssm.urls.url_paths, AutomationResponse.dispatch)


def resume() -> None:
    """Go on with the executions that a loaded state holds."""
    runner.resume()


def shutdown() -> None:
    """Let no step begin any more, so that what is saved stays true."""
    runner.stop()
    scripts.runner.stop()
