"""The portal as an ASGI application."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "automation_portal.settings")

django_application = get_asgi_application()

# Imports models, which Django has to know by now.
from executions.streams import few_at_a_time  # noqa: E402

application = few_at_a_time(django_application)
