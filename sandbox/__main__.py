"""`python -m sandbox --port N [--state DIR] [--log FILE] [-v]`: run the sandbox until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType

from sandbox import settings


def main(arguments: list[str] | None = None) -> int:
    """Run the server, or trials (`trial PATH…`). Returns the exit status: 1 with one line on stderr when the
    server cannot start.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["trial"]:
        from sandbox.trial import command

        return command.main(given[1:])
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="An AWS of its own, on the loopback interface, for trials and tests.",
        epilog="`python -m sandbox trial PATH…` runs documents to their end and reports: see `trial --help`.",
    )
    parser.add_argument(
        "--port", type=int, default=4566, help="port on 127.0.0.1; 0 picks a free one (default: 4566)"
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep everything in DIR across restarts")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write one line a call to FILE")
    parser.add_argument(
        "--trail", type=Path, metavar="FILE", help="append a record of each call to FILE, as CloudTrail does"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="write one line a call to stderr")
    parser.add_argument(
        "--limits",
        metavar="NAME=NUMBER,…",
        help="how many automations run and wait at once: running, pending, rate-control-running, "
        "rate-control-pending (default: AWS's figures)",
    )
    parser.add_argument(
        "--rate-limits", choices=("off", "aws"), help="throttle Automation's API as AWS does (default: off)"
    )
    parser.add_argument(
        "--clock",
        metavar="real|virtual|xN",
        help="how time passes for automations: really, N times as fast, or not at all: "
        "it leaps to whatever is due next (default: real)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="make the ids of a run repeat in the next")
    parser.add_argument(
        "--webhook-hosts",
        metavar="HOST,…",
        help="hosts beyond loopback to which aws:invokeWebhook may send (default: none)",
    )
    parser.add_argument(
        "--pwsh",
        metavar="PATH|off",
        help="the PowerShell that runs scripts of PowerShell runtimes (default: the pwsh on PATH, if any)",
    )
    options = parser.parse_args(given)
    try:
        settings.use(
            settings.read_settings(
                os.environ,
                port=options.port,
                state_dir=options.state,
                log_file=options.log,
                trail_file=options.trail,
                verbose=options.verbose,
                limits=options.limits,
                rate_limits=options.rate_limits,
                clock=options.clock,
                seed=options.seed,
                webhook_hosts=options.webhook_hosts,
                pwsh=options.pwsh,
            )
        )
        settings.isolate_environment()
        return _run()
    except settings.SettingsError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1


def _run() -> int:
    _configure_logging()
    # After the environment is clean: moto and boto3 read it when they are imported.
    from sandbox import data_files

    data_files.economise()
    from sandbox import automation, server
    from sandbox.events import trail
    from sandbox.state import Keeper

    trail_file = settings.current().trail_file
    try:
        if trail_file is not None:
            trail.write_to(trail_file)
    except OSError as error:
        raise settings.SettingsError(f"cannot write to {trail_file}: {error.strerror}.") from error
    try:
        listener = server.bind(settings.current().port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise settings.SettingsError(f"cannot listen on port {settings.current().port}: {reason}.") from error
    keeper = Keeper(settings.current().state_dir)
    http = server.build(listener, keeper.touch, keeper.settle)
    keeper.load()
    key = _root_key()
    keeper.start()
    # What a step's action does, it does by calls of its own.
    automation.store.on_change = partial(keeper.touch, "ssm")
    automation.resume()

    def stop(signum: int, frame: FrameType | None) -> None:
        # From another thread: the server waits for its own loop to end.
        threading.Thread(target=http.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    current = settings.current()
    sys.stdout.write(f"Sandbox AWS ready at {settings.endpoint_url()} (account {current.account_id})\n")
    if key is not None:
        sys.stdout.write(f"Root access key: {key[0]}  secret: {key[1]}\n")
    sys.stdout.flush()
    http.serve_forever(poll_interval=0.1)
    automation.shutdown()
    keeper.stop()
    return 0


def _root_key() -> tuple[str, str] | None:
    """Install the account's root key. Returns it when nobody gave it, so that it can be shown."""
    from sandbox.identity import identities, make_access_key_id, make_secret, root_principal

    current = settings.current()
    if current.root_key is not None:
        identities.set_root(root_principal(current.account_id, *current.root_key))
        return None
    kept = identities.root(current.account_id)
    key_id, secret = (
        (kept.access_key_id, kept.secret_access_key) if kept else (make_access_key_id("AKIA"), make_secret())
    )
    identities.set_root(root_principal(current.account_id, key_id, secret))
    return key_id, secret


def _configure_logging() -> None:
    current = settings.current()
    handlers: list[logging.Handler] = []
    if current.log_file is not None:
        handlers.append(logging.FileHandler(current.log_file))
    if current.verbose:
        handlers.append(logging.StreamHandler())
    logger = logging.getLogger("sandbox")
    logger.setLevel(logging.INFO if handlers else logging.WARNING)
    formatter = logging.Formatter("%(asctime)s %(message)s")
    for handler in handlers or [logging.StreamHandler()]:
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    # moto and werkzeug speak up on their own otherwise.
    for name in ("moto", "werkzeug", "botocore", "boto3", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)


if __name__ == "__main__":
    sys.exit(main())
