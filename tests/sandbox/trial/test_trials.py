"""Trials of whole documents, through the command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.trial import command, report
from sandbox.trial.coverage import Coverage, Way
from sandbox.trial.reasons import Reason
from sandbox.trial.running import Outcome
from tests.sandbox.pwsh import write_pwsh
from tests.sandbox.trial.conftest import Trials, Write, run_trials
from tests.sandbox.trial.documents import DOCUMENTS, FIXTURES

CORPUS = os.environ.get("SSM_CORPUS")
SAMPLE = (
    "ceshihao__ssm-public-documents__documents-AWS-StopEC2InstanceWithApproval.json",
    "ceshihao__ssm-public-documents__documents-AWSConfigRemediation-EnableRDSInstanceDeletionProtection.json",
    "aws-solutions__automated-security-response-on-aws__source-playbooks-AFSBP-ssmdocs-AFSBP_EC2.10.yaml",
)
REPLAYED = ("Recoverer", "Given", "Finder", "Parent", "Patient", "Refused")


@pytest.fixture(scope="session")
def folder(folder_of: Write) -> Path:
    return folder_of(DOCUMENTS)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recorded") / "fixtures.yaml"


@pytest.fixture(scope="session")
def trials(folder: Path, recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    """All documents, with fixtures and with answers made up, written down as they go."""
    given = tmp_path_factory.mktemp("given")
    (given / "fixtures.yaml").write_text(FIXTURES, encoding="utf-8")
    (given / "values.yaml").write_text("Ticket: ABC-1234\n", encoding="utf-8")
    published = [Path(CORPUS) / "documents" / name for name in SAMPLE] if CORPUS else []
    return run_trials(
        folder,
        *published,
        *("--fixtures", given / "fixtures.yaml", "--fixtures", "auto"),
        *("--parameters", given / "values.yaml", "--record", recorded),
    )


@pytest.fixture(scope="session")
def again(trials: Trials, folder: Path, recorded: Path, folder_of: Write) -> Trials:
    """Some of them answered as they were before, and some, under other names, with nothing given."""
    bare = folder_of(
        {
            "LacksApi": DOCUMENTS["Recoverer"],
            "LacksQueue": DOCUMENTS["CallersOwn"],
            "Raises": DOCUMENTS["Raises"],
        }
    )
    assert trials.report
    return run_trials(bare, *(folder / f"{name}.json" for name in REPLAYED), "--fixtures", recorded)


def ways(document: dict[str, Any]) -> dict[tuple[str, str, str], bool]:
    return {
        (way["source"], way["target"], way["kind"]): way["covered"] for way in document["coverage"]["ways"]
    }


def test_time_passes_for_the_document_only(trials: Trials) -> None:
    found = trials.of("Patient")
    assert found["status"] == "Success"
    assert found["virtualSeconds"] == 3601
    assert found["seconds"] < 60


def test_steps_and_choices_that_were_covered_are_told(trials: Trials) -> None:
    found = trials.of("Patient")
    assert found["coverage"]["ran"] == ["Doze", "Choose", "Evening"]
    assert ways(found) == {
        ("Doze", "Choose", "next"): True,
        ("Choose", "Morning", "branch"): False,
        ("Choose", "Evening", "branch"): True,
        ("Choose", "Morning", "next"): False,
    }


def test_a_document_finds_what_its_parameters_name(trials: Trials) -> None:
    found = trials.of("Finder")
    assert found["status"] == "Success", found["reason"]
    assert found["outputs"] == {"LookAtInstance.State": "running"}
    values = found["parameters"]
    assert values["InstanceId"][0].startswith("i-")
    assert values["Mode"] == ["quick"]
    assert values["Count"] == ["3"]
    assert values["Ticket"] == ["ABC-1234"]
    assert not any(each["source"] == "made up" for each in found["calls"])


def test_answers_are_made_up_where_the_sandbox_has_no_such_api(trials: Trials) -> None:
    found = trials.of("Recoverer")
    assert found["status"] == "Success", found["reason"]
    made_up = {(each["service"], each["api"]) for each in found["calls"] if each["source"] == "made up"}
    assert made_up == {
        ("drs", "StartFailbackLaunch"),
        ("drs", "DescribeJobs"),
        ("automation", "document AWS-NobodyKnowsIt"),
    }


def test_without_auto_it_is_said_what_is_not_emulated(again: Trials) -> None:
    found = again.of("LacksApi")
    assert found["status"] == "Failed"
    assert found["reason"]["fault"] == "not emulated"
    assert found["reason"]["group"] == "drs StartFailbackLaunch"
    assert again.report["madeUp"] == []


def test_what_is_absent_and_what_is_the_documents_own_fault_are_told_apart(again: Trials) -> None:
    absent, raises = again.of("LacksQueue")["reason"], again.of("Raises")["reason"]
    assert (absent["fault"], absent["step"]) == ("fixture wanting", "Look")
    assert (raises["fault"], raises["step"]) == ("document", "Script")
    assert "of its own making" in raises["message"]
    assert again.status == 1


def test_an_alarm_goes_where_the_run_waits_for_it(trials: Trials) -> None:
    found = trials.of("Watcher")
    assert found["status"] == "Success", found["reason"]
    # It was OK to begin with: it went to ALARM, and back.
    assert [each["source"] for each in found["calls"]] == ["world", "world"]


def test_people_approve_and_resume(trials: Trials) -> None:
    assert trials.of("Asker")["status"] == "Success", trials.of("Asker")["reason"]


def test_a_fixture_says_what_somebody_decides(trials: Trials) -> None:
    found = trials.of("Refused")
    assert (found["status"], found["asExpected"]) == ("Failed", True)
    assert found["reason"]["fault"] == "person"
    assert "not on a Friday" in found["reason"]["message"]


def test_a_child_is_found_beside_its_parent(trials: Trials) -> None:
    found = trials.of("Parent")
    assert found["status"] == "Success", found["reason"]
    assert found["virtualSeconds"] >= 3601
    assert found["calls"] == [] or all(each["source"] != "made up" for each in found["calls"])


def test_calls_are_answered_by_their_number_in_the_step(trials: Trials) -> None:
    found = trials.of("Given")
    first = [each for each in found["calls"] if each["step"] == "First"]
    assert [(each["call"], each["source"], each["fault"]) for each in first] == [
        (1, "fixture", "Internal"),
        (2, "fixture", None),
    ]
    assert found["outputs"]["First.Cidr"] == "192.0.2.0/24"
    assert found["parameters"]["Word"] == ["given"]


def test_a_step_with_given_outputs_is_not_run(trials: Trials) -> None:
    assert trials.of("Given")["outputs"]["Script.Answer"] == "forty-two"


def test_a_step_with_a_given_failure_is_the_fixtures_fault(trials: Trials) -> None:
    found = trials.of("GivenFailure")
    assert (found["reason"]["fault"], found["reason"]["step"]) == ("fixture", "Never")
    assert "The disk is full" in found["reason"]["message"]
    assert [(each["step"], each["source"]) for each in found["calls"]] == [("Never", "fixture")]


def test_an_error_that_is_given_leads_along_the_way_of_on_failure(trials: Trials) -> None:
    found = trials.of("Given")
    assert (found["status"], found["asExpected"]) == ("Failed", True)
    assert (found["reason"]["fault"], found["reason"]["step"]) == ("fixture", "Broken")
    assert ways(found)["Broken", "Mend", "failure"]
    assert not ways(found)["Broken", "Between", "next"]


def test_fixtures_reach_runs_in_the_callers_own_context(trials: Trials) -> None:
    assert trials.of("CallersOwn")["outputs"] == {"Look.Url": "https://queues.example.com/given"}


def test_the_exit_status_tells_whether_all_was_as_expected(trials: Trials) -> None:
    own = [each for each in trials.report["documents"] if each["document"] in DOCUMENTS]
    assert [each["document"] for each in own if not each["asExpected"]] == ["Raises"]
    assert trials.status == 1
    total = len(trials.report["documents"])
    assert trials.report["totals"] == {
        "documents": total,
        "registered": total,
        "started": total,
        "ended": total,
        "success": total - 4,
        "nothing made up": total - 5 - bool(CORPUS),
        "answers made up": 0,
        "steps made up": 1 + bool(CORPUS),
        "as expected": total - 1,
    }


def test_a_recording_answers_another_run_the_same(trials: Trials, again: Trials, recorded: Path) -> None:
    for name in REPLAYED:
        before, after = trials.of(name), again.of(name)
        assert after["outputs"] == before["outputs"]
        assert after["parameters"] == before["parameters"]
        assert after["status"] == before["status"]
        assert after["asExpected"]
        assert {each["source"] for each in after["calls"] if "Automation" not in each["api"]} <= {"fixture"}
    assert yaml.safe_load(recorded.read_text(encoding="utf-8"))["version"] == 1


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.skipif(not CORPUS, reason="needs SSM_CORPUS")
def test_published_documents_run(trials: Trials, name: str) -> None:
    found = next(each for each in trials.report["documents"] if each["path"].endswith(name))
    assert found["status"] == "Success", found["reason"]


def test_the_text_is_for_people() -> None:
    ran = Coverage(("Ask", "Stay"), ("Ask",), (Way("Ask", "Stay", "next", "", False),))
    outcome = Outcome(
        document="Asker",
        path="asker.yaml",
        expected="Success",
        registered=True,
        status="Failed",
        reason=Reason("person", "aws:approve", "Somebody said no.", "Ask"),
        values={"Approvers": ["anna"]},
        coverage=ran,
        steps=({"step": "Ask", "action": "aws:approve", "status": "Failed", "message": "no"},),
        virtual_seconds=3720.0,
    )
    assert report.as_text([outcome], auto="off").splitlines() == [
        "FAIL Asker: Failed, 1 of 2 steps, 0 of 1 ways, 1 h 2 min of its own time",
        "       person at Ask: Somebody said no.",
        "       parameter Approvers = anna",
        "       Failed     Ask (aws:approve): no",
        "       not run: Stay",
        "       not gone: Ask -> Stay, next",
        "",
        "1 document: 1 registered, 1 started, 1 ended, 0 Success (0 %), 0 as expected.",
        "    1 person: somebody who was asked said no",
        "         1 aws:approve",
    ]


@pytest.mark.parametrize(
    ("fixtures", "told"),
    [("version: 3\n", "1 was expected"), ("version: 1\nsteps: [{step: Ask}]\n", "steps/0")],
)
def test_a_wrong_file_of_fixtures_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fixtures: str, told: str
) -> None:
    file, document = tmp_path / "fixtures.yaml", tmp_path / "document.json"
    file.write_text(fixtures, encoding="utf-8")
    document.write_text("{}", encoding="utf-8")
    assert command.main([str(document), "--fixtures", str(file)]) == 2
    assert told in capsys.readouterr().err


def test_a_path_without_documents_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([str(tmp_path / "nothing.yaml")]) == 2
    assert command.main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "nothing.yaml does not exist." in told
    assert "holds no documents" in told


LAUNCH = {
    "parameters": {"ImageId": {"type": "String"}},
    "mainSteps": [
        {"name": "launch", "action": "aws:runInstances", "inputs": {"ImageId": "{{ ImageId }}"}},
    ],
    "outputs": ["launch.InstanceIds"],
}


def test_under_a_seed_a_trial_is_the_same_again(folder_of: Write) -> None:
    first, again = (run_trials(folder_of({"Launch": LAUNCH}), "--seed", "1").of("Launch") for _ in range(2))

    told = ("status", "parameters", "outputs", "virtualSeconds")
    assert first["status"] == "Success"
    assert [first[name] for name in told] == [again[name] for name in told]


def test_powershell_runs_where_there_is_one_and_no_fixture(folder_of: Write, tmp_path: Path) -> None:
    """The program is a stand-in, in which a script is one of the shell."""

    def powershell(script: str) -> dict[str, Any]:
        inputs = {"Runtime": "PowerShell 7.4", "Script": script}
        outputs = [{"Name": "Answer", "Selector": "$.Payload.answer", "Type": "String"}]
        step = {"name": "Script", "action": "aws:executeScript", "inputs": inputs, "outputs": outputs}
        return {"schemaVersion": "0.3", "mainSteps": [step], "outputs": ["Script.Answer"]}

    needs = "The module AWS.Tools.EC2 is not installed here and scripts reach no gallery"
    documents = folder_of(
        {
            "Runs": powershell('give \'{"answer": "of the script"}\''),
            "Given": powershell("exit 1"),
            "Needs": powershell(f"fail RuntimeException '{needs}'"),
        }
    )
    fixtures = tmp_path / "fixtures.yaml"
    fixtures.write_text(
        "version: 1\ndocuments:\n  Given:\n    steps:\n"
        "      - {step: Script, outputs: {Payload: {answer: of the fixture}}}\n"
    )
    arguments = (documents, "--fixtures", fixtures, "--fixtures", "auto")
    program = write_pwsh(tmp_path)
    told = run_trials(*arguments, pwsh=program)
    answers = {name: told.of(name)["outputs"]["Script.Answer"] for name in ("Runs", "Given", "Needs")}
    assert answers == {
        "Runs": "of the script",
        "Given": "of the fixture",
        "Needs": "trial-Answer",
    }
    without = run_trials(*arguments)
    assert without.of("Runs")["outputs"]["Script.Answer"] == "trial-Answer"
