"""The proof of the delegated launch, where there is nothing to prove it with yet."""

import json

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def test_before_the_demonstration_is_complete_it_says_what_to_do(settings, tmp_path):
    settings.SANDBOX_SECRETS = tmp_path / "root.json"
    settings.SANDBOX_SECRETS.write_text(json.dumps({"access_key_id": "AKIAROOT", "secret_access_key": "s"}))
    with pytest.raises(CommandError, match="wait until `make run` says that the portal is ready"):
        call_command("walkthrough")
