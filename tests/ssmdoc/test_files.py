"""Which files are documents, and what is said of bytes, paths and folders."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ssmdoc import files, reports

CORPUS = os.environ.get("SSM_CORPUS")
GOOD = """schemaVersion: '0.3'
assumeRole: '{{ Role }}'
parameters:
  Role: {type: String}
mainSteps:
  - {name: wait, action: 'aws:sleep', inputs: {Duration: PT1S}}
"""


@pytest.mark.parametrize(
    ("text", "document"),
    [
        (GOOD, True),
        ("\ufeff" + GOOD, True),
        (GOOD + "\tbroken: [", True),
        ('{"mainSteps": [], "schemaVersion": "0.3"}', True),
        ('{"mainSteps": [], "schemaVersion": "0.3",}', True),
        (GOOD.replace("0.3", "2.2"), False),
        ("schemaVersion: '0.3'\n", False),
        ('{"Resources": {"D": {"schemaVersion": "0.3", "mainSteps": []}}}', False),
        ("Resources:\n  D:\n    schemaVersion: '0.3'\n    mainSteps: []\n", False),
        ("[]", False),
        ("", False),
    ],
)
def test_documents_are_told_from_other_files(text: str, document: bool) -> None:
    assert files.is_document(text) is document


def test_a_folder_is_searched_for_documents_and_a_file_that_is_named_is_read(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.YAML").write_text(GOOD)
    (tmp_path / "two.yml").write_text(GOOD)
    (tmp_path / "values.yaml").write_text("a: 1\n")
    (tmp_path / "notes.txt").write_text(GOOD)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "three.yaml").write_text(GOOD)
    (tmp_path / "empty.json").write_bytes(b"")
    (tmp_path / "huge.json").write_text("{" + " " * files.MAX_READ_BYTES)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "again.yaml").symlink_to(tmp_path / "two.yml")
    found = files.find([tmp_path])
    assert [Path(file.path).name for file in found.files] == ["again.yaml", "one.YAML"]
    assert found.problems == []
    named = files.find([tmp_path / "values.yaml", tmp_path / "notes.txt", tmp_path / "notes.txt"])
    assert [Path(file.path).name for file in named.files] == ["values.yaml", "notes.txt"]


def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "self"
    loop.symlink_to(loop)
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    gone = tmp_path / "gone"
    gone.symlink_to(tmp_path / "nowhere")
    found = files.find([tmp_path / "none", loop, fifo, tmp_path / ("x" * 5000), "a\0b", gone, ""])
    assert found.files == []
    assert len(found.problems) == 7
    assert found.problems[0].endswith("none does not exist.")
    assert found.problems[1].endswith("self cannot be read: Too many levels of symbolic links.")
    assert found.problems[5].endswith("gone is a link to nothing.")
    assert found.problems[6] == "An empty path names no file.", "and not the folder that one is in"
    assert found.problems[2].endswith("pipe is neither a file nor a folder.")


@pytest.mark.parametrize(
    ("data", "line", "column", "says"),
    [
        (GOOD.encode() + b"description: \xff\n", 7, 14, "0xff"),
        (GOOD.encode("utf-16"), 1, 1, "UTF-16"),
        (b"\xff\xfe", 1, 1, "UTF-16"),
        (b"\xff\xfe\x00", 1, 1, "UTF-16"),
    ],
)
def test_bytes_that_are_not_utf8_are_a_finding(data: bytes, line: int, column: int, says: str) -> None:
    report = reports.judge(files.decoded("x.yaml", data))
    (found,) = report.findings
    assert (found.id, found.severity, found.line, found.column) == ("text-encoding", "error", line, column)
    assert says in found.message


def test_a_report_says_what_was_asked_for() -> None:
    file = files.File("x.yaml", GOOD.replace("mainSteps", "mainStep"))
    report = reports.judge(file, [{"required_tags": ["Owner"], "forbidden_actions": ["aws:sleep"]}])
    assert report.errors
    assert set(report.as_dict()) == {"path", "findings"}
    for finding in report.as_dict()["findings"]:
        assert list(finding) == ["id", "severity", "line", "column", "message", "hint"]
    broken = reports.judge(files.File("x.yaml", GOOD), [{"forbidden_actions": ["aws:sleep"]}], steps=True)
    assert [line for line in broken.lines() if " policy-action " in line] == [
        'x.yaml:6:26: error policy-action Step "wait" uses aws:sleep, which the policy forbids. '
        "Do it with another action, or ask an administrator to change the policy."
    ]
    assert broken.as_dict()["graph"]["nodes"][0]["id"] == "wait"
    assert json.dumps(broken.as_dict())


def test_names_and_values_of_a_document_neither_break_a_line_nor_command_the_terminal() -> None:
    text = GOOD.replace("name: wait", 'name: "a\\nb\\e[31m\\u2028"').replace("aws:sleep", "aws:sl\\eep")
    text += "  - {name: next, action: aws:sleep, inputs: {Duration: PT1S}}\n"
    lines = list(reports.judge(files.File("odd\nname.yaml", text), iam=True, steps=True).lines())
    assert any("-> next next" in line for line in lines)
    assert all(line.isprintable() and line.startswith("odd\\nname.yaml:") for line in lines)


def test_what_cannot_be_told_of_permissions_is_said_in_lines_too() -> None:
    text = GOOD.replace("aws:sleep", "aws:executeAwsApi").replace(
        "Duration: PT1S", "Service: ec2, Api: '{{ X }}'"
    )
    lines = reports.judge(files.File("x.yaml", text), iam=True).lines()
    assert any(line.startswith("x.yaml: iam unknown wait: ") for line in lines)


@pytest.mark.skipif(not CORPUS, reason="SSM_CORPUS names no folder of documents.")
def test_every_document_of_the_corpus_is_found() -> None:
    folder = Path(str(CORPUS), "documents")
    assert len(files.find([str(CORPUS)]).files) == len(list(folder.iterdir()))
