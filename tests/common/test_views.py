"""What stands where no page of ours could be drawn."""

from django.test import RequestFactory

from common.views import server_error


def test_a_fault_of_ours_is_told_without_asking_the_database():
    # No `db` fixture: a query would fail this test.
    answer = server_error(RequestFactory().get("/runs/"))
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.content.decode()


def test_an_address_that_does_not_exist_says_so(client, stranger):
    client.force_login(stranger, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is no page at this address" in answer.content.decode()
