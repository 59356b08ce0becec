"""The request as views see it: LoginRequiredMiddleware has let nobody anonymous through."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest


class SignedInRequest(HttpRequest):
    """A request of somebody who has signed in. A name for type checkers; it is never instantiated."""

    user: AbstractBaseUser  # type: ignore[assignment]
