"""What a script is given, and what is told of how it ended."""

import io
import json
import threading
import time
import zipfile

import pytest

from sandbox.scripts import Credentials, Job, Limits
from tests.sandbox.scripts.conftest import job


def test_the_handler_gets_the_event_and_its_value_comes_back(run):
    result = run(
        "def main(events, context): return {**events, 'region': context['global:REGION']}",
        payload='{"a": [1, null, "é"]}',
        context={"global:REGION": "eu-west-1"},
    )
    assert result.ending == "returned", result
    assert json.loads(result.payload) == {"a": [1, None, "é"], "region": "eu-west-1"}


def test_a_context_object_has_attributes_and_the_remaining_time(run):
    result = run(
        "def main(events, context): return [context.function_name, context.get_remaining_time_in_millis()]",
        context={"function_name": "hello"},
        context_object=True,
        limits=Limits(seconds=9),
    )
    name, left = json.loads(result.payload)
    assert name == "hello"
    assert 0 < left <= 9000


def test_an_exception_is_told_with_the_script_s_own_stack(run):
    result = run(
        """
        def deep(events):
            return events["expected"]

        def main(events, context):
            return deep(events)
        """,
        directory="/tmp/5a927c4c",
    )
    assert (result.ending, result.error.type, result.error.message) == ("raised", "KeyError", "'expected'")
    assert result.error.stage == "handler"
    assert [frame.splitlines()[0] for frame in result.error.frames] == [
        '  File "/tmp/5a927c4c/code.py", line 6, in main',
        '  File "/tmp/5a927c4c/code.py", line 3, in deep',
    ]


@pytest.mark.parametrize(
    ("code", "type_name", "stage"),
    [
        ("import no_such_module\ndef main(e, c): pass", "ModuleNotFoundError", "import"),
        ("def main(e, c) return 1", "SyntaxError", "import"),
        ("def other(e, c): pass", "AttributeError", "import"),
        ("def main(e, c): exit('not today')", "SystemExit", "handler"),
        ("import datetime\ndef main(e, c): return datetime.datetime.now()", "TypeError", "answer"),
        ("def main(e, c):\n    a = []\n    a.append(a)\n    return a", "ValueError", "answer"),
        ("def main(e, c): return main(e, c)", "RecursionError", "handler"),
    ],
)
def test_every_way_of_failing_has_its_stage(run, code, type_name, stage):
    error = run(code).error
    assert (error.type, error.stage) == (type_name, stage)


def test_a_process_that_ends_without_an_answer_is_told_with_its_status(run):
    result = run("import os\ndef main(e, c):\n    print('bye', flush=True)\n    os._exit(7)")
    assert (result.ending, result.exit_status, result.logs) == ("exited", 7, "bye\n")


def test_what_is_printed_is_kept_in_order_up_to_the_limit(run):
    code = """
    import logging, sys
    def main(events, context):
        print("one")
        logging.warning("two")
        print("three", file=sys.stderr)
        print("x" * events["length"])
    """
    assert run(code, payload='{"length": 1}').logs == "one\nWARNING:root:two\nthree\nx\n"
    long = run(code, payload='{"length": 200000}', limits=Limits(seconds=20, output=1000))
    assert len(long.logs) == 1000
    assert long.ending == "returned"


def test_an_answer_that_is_too_long_is_refused(run):
    result = run("def main(e, c): return 'x' * 5000", limits=Limits(seconds=20, payload=4000))
    assert result.error.type == "ResponseSizeTooLarge"


def test_files_and_archives_are_in_the_module_path(scripts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("library/__init__.py", "")
        archive.writestr("library/words.py", "WORD = 'from the archive'")
    files = {
        "code.py": "from library.words import WORD\ndef main(e, c): return WORD",
        "a.zip": buffer.getvalue(),
    }
    result = scripts.run(Job(files=files, handler="code.main"))
    assert result.payload == '"from the archive"'


def test_a_script_s_file_goes_before_a_module_of_the_same_name(scripts):
    files = {"secrets.py": "def main(e, c): return 'mine'"}
    assert scripts.run(Job(files=files, handler="secrets.main")).payload == '"mine"'


def test_it_has_its_session_s_keys_and_region_only(run, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the sandbox itself")
    monkeypatch.setenv("DJANGO_SECRET_KEY", "of the portal")
    code = """
    import boto3, os
    def main(events, context):
        keys = boto3.Session().get_credentials()
        frozen = keys and keys.get_frozen_credentials()
        return [frozen, boto3.Session().region_name, sorted(os.environ), os.environ.get("TABLE")]
    """
    keys = Credentials("ASIAEXAMPLE", "secret", "token")
    result = run(code, credentials=keys, region="eu-central-1", environment={"TABLE": "t"})
    frozen, region, names, table = json.loads(result.payload)
    assert frozen[:3] == ["ASIAEXAMPLE", "secret", "token"]
    assert (region, table) == ("eu-central-1", "t")
    assert not [name for name in names if "DJANGO" in name or "SANDBOX" in name]
    assert json.loads(run(code).payload)[0] is None


def test_nothing_of_one_script_reaches_another(run):
    first = """
    import builtins, json, os
    def main(events, context):
        builtins.LEFT = json.LEFT = os.environ["LEFT"] = "behind"
        open("/tmp/left", "w").write("behind")
    """
    assert run(first).ending == "returned"
    second = """
    import builtins, json, os
    def main(events, context):
        return [hasattr(builtins, "LEFT"), hasattr(json, "LEFT"), "LEFT" in os.environ,
                os.path.exists("/tmp/left")]
    """
    for _ in range(6):
        assert json.loads(run(second).payload) == [False] * 4


def test_its_calls_reach_the_sandbox(run, endpoint):
    before = endpoint.served
    result = run("""
    import os, urllib.request
    def main(events, context):
        return [urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"]).read().decode() for _ in range(2)]
    """)
    assert json.loads(result.payload) == ['{"it": "me"} '] * 2
    assert endpoint.served == before + 2


def test_a_cancelled_script_ends_at_once(scripts):
    began = threading.Event()
    script = scripts.start(job("import time\ndef main(e, c): time.sleep(15)"), lambda _: began.set())
    assert script.result(0.2) is None
    script.cancel()
    assert script.result(10).ending == "cancelled"
    assert began.is_set()


def test_sleeps_need_not_really_pass(run):
    epoch = 4_000_000_000.0
    code = """
    import datetime, time
    def main(events, context):
        began, uptime, day = time.time(), time.monotonic(), datetime.date.today()
        while time.time() < began + 86400:
            time.sleep(600)
        return [began, time.monotonic() - uptime, (datetime.date.today() - day).days,
                datetime.datetime.now(datetime.timezone.utc).timestamp() - began,
                isinstance(datetime.datetime(2020, 1, 1), datetime.datetime),
                str(datetime.datetime(2020, 1, 1))]
    """
    real = time.monotonic()
    result = run(code, epoch=epoch, limits=Limits(seconds=100_000))
    assert time.monotonic() - real < 10
    assert result.slept == 86400
    began, uptime, days, passed, is_instance, text = json.loads(result.payload)
    assert abs(began - epoch) < 10
    assert 86400 <= uptime < 86500
    assert (days, is_instance, text) == (1, True, "2020-01-01 00:00:00")
    assert 86400 <= passed < 86500


def test_sleeps_that_do_not_pass_count_to_the_time_limit(run):
    code = """
    import time
    def main(events, context):
        while True:
            time.sleep(60)
    """
    result = run(code, epoch=4_000_000_000.0, limits=Limits(seconds=600))
    assert (result.ending, result.slept) == ("timed out", 600)


def test_more_scripts_than_run_at_once_all_end(scripts):
    started = [scripts.start(job(f"def main(e, c): return {number}")) for number in range(60)]
    assert [script.result(60).payload for script in started] == [str(number) for number in range(60)]


def test_a_zygote_that_dies_is_replaced(scripts, run):
    running = scripts.start(job("import time\ndef main(e, c): time.sleep(15)"))
    assert running.result(0.2) is None
    scripts._server._process.kill()
    assert running.result(10).ending == "exited"
    assert run("def main(e, c): return 1").payload == "1"


def test_a_script_that_is_no_text_fails_and_others_still_run(run):
    result = run("text = '\ud800'\ndef main(e, c): return 1")
    assert (result.ending, result.error.stage) == ("raised", "import")
    assert run("def main(e, c): return 1").payload == "1"


def test_a_script_that_cannot_be_started_leaves_the_others_alone(scripts, run):
    result = scripts.run(job("def main(e, c): return 1", context={"no": object()}))
    assert result.ending == "exited"
    assert run("def main(e, c): return 1").payload == "1"


def test_of_an_exception_no_more_is_kept_than_anybody_reads(run):
    result = run("""
    def main(events, context):
        raise type("E" * 5000, (Exception,), {})("x" * 5_000_000)
    """)
    assert result.error.message == "x" * 20_000
    assert len(result.error.type) == 256
