"""How people sign in: accounts are made by administrators, never by whoever finds the page."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from common.errors import Forbidden


class AccountAdapter(DefaultAccountAdapter):
    """allauth's decisions, for this portal."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse: nobody makes an account for themselves."""
        return False

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Say it to who gave the right password; to anybody else a deactivated name looks like no name."""
        raise Forbidden("Your account has been deactivated: ask an administrator.", code="deactivated")
