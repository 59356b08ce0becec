"""The client's address: believed only as far as proxies of ours vouch for it."""

import pytest
from django.test import RequestFactory

from common.middleware import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "x" * 500, "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_it_believes_what_our_proxies_appended_and_nothing_else(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded})
    assert client_address(request) == expected
