"""The portal as an ASGI application."""

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "automation_portal.settings")

django_application = get_asgi_application()

# Imports models, which Django has to know by now.
from django.urls import get_resolver  # noqa: E402

from executions.streams import few_at_a_time  # noqa: E402

application = few_at_a_time(django_application)


def keep_what_is_loaded() -> None:
    """Leave what was loaded out of the search for garbage, which else holds up every thirtieth page.

    It is needed as long as the process lives, and is a hundred times as much as all that requests leave.
    """
    # Imports the views, which Django would do at the first request.
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()


keep_what_is_loaded()
