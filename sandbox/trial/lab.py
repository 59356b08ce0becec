"""A sandbox inside this process, and an account of its own for each trial."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from moto.core.base_backend import BackendDict

from sandbox import server, settings
from sandbox.automation import service
from sandbox.automation.calls import loader
from sandbox.fixtures import hooks
from sandbox.fixtures.generation.words import digest
from sandbox.fixtures.stage import Cast, Stage
from sandbox.identity import identities, make_access_key_id, make_secret, root_principal
from sandbox.trial.world import World
from sandbox.trial.world.identity import ADMINISTRATOR

REGION = "us-east-1"
CALLER = "trial"


def _backends() -> list[Any]:
    instances: Any = vars(BackendDict)["_instances"]
    return list(instances)


@dataclass(frozen=True)
class Account:
    """An account made for one trial. `world` makes things as an administrator; `caller_arn` starts runs."""

    id: str
    world: World
    caller_arn: str


class Lab:
    """A running sandbox whose clock is virtual. One a process: the sandbox's services are the process's."""

    def __init__(self) -> None:
        self.store = service.store
        self.stage = Stage(service.store, service.clock)
        hooks.use(self.stage)
        self._http = server.build(server.bind(0))
        threading.Thread(target=self._http.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """End the server and the runs that are still going on."""
        service.runner.stop()
        self._http.shutdown()
        hooks.use(None)

    @contextmanager
    def account(self, name: str, cast: Cast) -> Iterator[Account]:
        """An account for the trial of the document `name`, gone with all that is in it afterwards."""
        # Told from the name, so that ids and ARNs of the same trial are the same.
        account_id = f"{int(digest(cast.seed, name, length=12), 16) % 900_000_000_000 + 100_000_000_000}"
        root = root_principal(account_id, make_access_key_id("AKIA"), make_secret())
        identities.set_root(root)
        iam = self._client(root.credentials(), "iam")
        caller = iam.create_user(UserName=CALLER)["User"]["Arn"]
        iam.attach_user_policy(UserName=CALLER, PolicyArn=ADMINISTRATOR)
        key = iam.create_access_key(UserName=CALLER)["AccessKey"]
        keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        client = functools.cache(functools.partial(self._client, keys))
        self.stage.admit(account_id, cast)
        try:
            yield Account(account_id, World(account_id, REGION, client), caller)
        finally:
            self.stage.dismiss(account_id)
            for backends in _backends():
                backends.pop(account_id, None)

    @staticmethod
    def _client(keys: dict[str, str | None], name: str) -> Any:
        core = botocore.session.Session()
        core.register_component("data_loader", loader())
        make: Any = boto3.Session(botocore_session=core, region_name=REGION, **keys).client
        return make(
            name,
            endpoint_url=settings.endpoint_url(),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
