"""Every address of the portal. Each has its row in the persona × URL matrix (tests/test_matrix.py)."""

from allauth.account import views as account
from django.urls import include, path

from automation_portal import health, home

urlpatterns = [
    path("", home.home, name="home"),
    path("account/sign-in/", account.login, name="account_login"),
    path("account/sign-out/", account.logout, name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("health/live/", health.live, name="health-live"),
    path("health/ready/", health.ready, name="health-ready"),
    path("", include("executions.urls")),
    path("", include("documents.urls")),
    path("", include("accounts.urls")),
    path("", include("aws.urls")),
    path("", include("audit.urls")),
]

handler400 = "common.views.bad_request"
handler404 = "common.views.not_found"
handler500 = "common.views.server_error"
