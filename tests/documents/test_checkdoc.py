"""`manage.py checkdoc`: lines and JSON, exit status, policies; without a database."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]
GOOD = """schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String, description: The role that Automation assumes.}
mainSteps:
  - name: launch
    action: aws:runInstances
    isEnd: true
    inputs: {ImageId: ami-12345678}
"""
BAD = GOOD.replace("aws:runInstances", "aws:runInstance")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "other.json").write_text("{}")
    return tmp_path


def check(capsys, *arguments):
    """Return exit status, output and error output of the command."""
    status = 0
    try:
        call_command("checkdoc", *map(str, arguments))
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    return status, said.out, said.err


def test_a_folder_without_errors_passes(folder, capsys):
    assert check(capsys, folder) == (0, "", "")


def test_an_error_is_a_line_with_its_place_and_fails(folder, capsys):
    bad = folder / "bad.yaml"
    bad.write_text(BAD)
    status, out, _ = check(capsys, folder)
    assert status == 1
    assert any(
        line.startswith(f"{bad}:7:13: error ") and "aws:runInstances" in line for line in out.splitlines()
    )


def test_warnings_do_not_fail(folder, capsys):
    (folder / "good.yaml").write_text("\ufeff" + GOOD)
    status, out, _ = check(capsys, folder)
    assert status == 0
    assert ": warning text-bom " in out


def test_json_is_a_list_with_an_object_a_document(folder, capsys):
    (folder / "bad.yaml").write_text(BAD)
    status, out, _ = check(capsys, folder, "--json", "--graph", "--iam")
    assert status == 1
    bad, good = json.loads(out)
    assert good["path"] == str(folder / "good.yaml")
    assert good["findings"] == []
    assert good["graph"]["nodes"][0]["id"] == "launch"
    assert "ec2:RunInstances" in good["iam"]["actions"]
    assert set(bad["findings"][0]) == {"id", "severity", "line", "column", "message", "hint"}
    assert json.loads(check(capsys, folder / "other.json", "--json")[1])[0]["findings"]


def test_what_is_asked_for_is_printed_as_lines_too(folder, capsys):
    (folder / "two.yaml").write_text(
        GOOD.replace("    isEnd: true\n", "")
        + "  - {name: rest, action: aws:sleep, isEnd: true, inputs: {Duration: PT1S}}\n"
    )
    out = check(capsys, folder / "two.yaml", "--graph", "--iam")[1]
    assert f"{folder / 'two.yaml'}: iam ec2:RunInstances" in out.splitlines()
    assert f"{folder / 'two.yaml'}: graph launch -> rest next" in out.splitlines()


def test_policies_are_kept(folder, capsys):
    rules = folder / "rules.yml"
    rules.write_text("required_tags: [Owner]\n")
    more = folder / "more.json"
    more.write_text('{"allowed_instance_types": ["t3.*"]}')
    status, out, _ = check(capsys, folder, "--policy", rules, "--policy", more)
    assert status == 1
    assert "good.yaml:6:11: error policy-required-tags " in out
    assert " policy-instance-type " in out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("required_tag: [Owner]", "Did you mean required_tags?"),
        ("- a", "holds no rules"),
        ("a: [", "not YAML"),
        (b"\xff", "is not UTF-8"),
        (None, "cannot be read"),
        ("a" * 600_000, "is larger than 512 KB"),
        ('required_tags: [a]\n"b\\n": 1', r"b\\n: There is no such rule"),
    ],
)
def test_a_policy_that_cannot_be_used_is_a_wrong_call(folder, text, says):
    rules = folder / "rules.yml"
    if isinstance(text, bytes):
        rules.write_bytes(text)
    elif text is not None:
        rules.write_text(text)
    with pytest.raises(CommandError, match=says) as error:
        call_command("checkdoc", str(folder), policy=[str(rules)])
    assert error.value.returncode == 2


def test_a_path_left_empty_is_not_the_folder_one_is_in(folder, capsys):
    assert check(capsys, "") == (2, "", "An empty path names no file.\n")
    with pytest.raises(CommandError, match="names no policy") as error:
        call_command("checkdoc", str(folder), policy=[""])
    assert error.value.returncode == 2


def test_a_terminal_without_every_character_is_told_what_it_can_show(folder):
    rules = folder / "rules.yml"
    rules.write_text("required_tags: [Owner]\n")
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "django", "checkdoc", str(folder), "--policy", str(rules)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    assert r"Value: \u2026" in run.stdout


def test_what_cannot_be_read_is_said_and_the_rest_is_judged(folder, capsys):
    (folder / "bad.yaml").write_text(BAD)
    status, out, err = check(capsys, folder / "none.yaml", folder)
    assert status == 2
    assert err == f"{folder / 'none.yaml'} does not exist.\n"
    assert "bad.yaml:7:13" in out


def test_a_folder_without_documents_says_so(tmp_path, capsys):
    assert check(capsys, tmp_path) == (0, "", "There is no Automation document there.\n")
    assert check(capsys, tmp_path, "--json")[1].strip() == "[]"


def test_it_runs_by_itself_without_a_database_and_ends_quietly_when_nobody_reads(folder):
    (folder / "bad.yaml").write_text(BAD)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": ""}
    command = [sys.executable, "-m", "django", "checkdoc", str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (1, "")
    usage = subprocess.run(
        command[:-1], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert usage.returncode == 2
    assert "PATH" in usage.stderr
    piped = subprocess.run(
        f"{sys.executable} -m django checkdoc {folder} --json | head -c 1",
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        shell=True,
    )
    assert (piped.stdout, piped.stderr) == ("[", "")
