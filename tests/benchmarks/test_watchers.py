"""The benchmark of live pages: what its clients hear, and when it says that a bar is missed."""

import pytest

from benchmarks.watchers import Phase, Result, first_heard
from benchmarks.watching import Client

STREAM = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    b"d\r\nretry: 2000\n\n\r\n"
    b"f\r\n: still here\n\n\r\n"
    b"25\r\nid: 7\nevent: changed\ndata: 0\n\n\r\n"
    b"25\r\nid: 7\nevent: observed\ndata: 0\n\n\r\n"
    b"26\r\nid: 12\nevent: changed\ndata: 0\n\n\r\n"
)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_client_hears_the_same_however_the_stream_is_cut(size):
    client = Client("run", "cookie")
    for place in range(0, len(STREAM), size):
        client.data_received(STREAM[place : place + size])
    assert client.status == 200
    assert client.ready.is_set()
    assert [number for number, _ in client.heard] == [7, 12]


def test_an_event_is_received_with_the_first_message_that_names_it_or_a_later_one():
    client = Client("run", "cookie")
    client.heard = [(7, 1.0), (12, 2.0)]
    assert [first_heard(client, number) for number in (6, 7, 8, 12, 13)] == [1.0, 1.0, 2.0, 2.0, None]


def result(**changes):
    phase = {"due": 10, "received": 10, "median": 20.0} | {
        name: changes.pop(name) for name in ("due", "received", "median") if name in changes
    }
    found = Result("SQLite", 4096, [Phase("one run", 10, 1, 1, **phase)], strangers=2, strangers_refused=2)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {"received": 9},
        {"median": 101.0},
        {"strangers_refused": 1},
        {"told_without_right": 1},
        {"still_open_without_right": 1},
    ],
)
def test_each_promise_is_a_bar(changes):
    assert all(bar.passed for bar in result().bars)
    assert [bar.passed for bar in result(**changes).bars].count(False) == 1
