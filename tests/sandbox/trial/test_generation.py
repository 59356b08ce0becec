"""Answers made up from output shapes, and values that match patterns."""

import datetime as dt
from typing import Any

import pytest
from moto.core.utils import get_service_model

from sandbox.fixtures.generation import Setting, Wish, pattern, plant, respond, words
from ssmdoc import java_regex, selectors

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def made_up(service: str, operation: str, request: dict[str, Any], *wishes: Wish, **setting: Any) -> Any:
    """What is answered to a request, by a service that the sandbox lacks."""
    shape = get_service_model(service).operation_model(operation).output_shape
    return respond(
        shape,
        Setting(
            service=service,
            region="eu-west-1",
            account_id="111122223333",
            now=NOW,
            request=request,
            wishes=wishes,
            **setting,
        ),
    )


def test_the_same_request_is_answered_the_same_and_another_seed_differs() -> None:
    request = {"SourceServerID": "s-1"}
    first, again = (
        made_up("drs", "StartFailbackLaunch", request),
        made_up("drs", "StartFailbackLaunch", request),
    )
    assert first == again
    ids = {
        made_up("efs", "CreateReplicationConfiguration", {}, seed=seed)["SourceFileSystemId"]
        for seed in (1, 2)
    }
    assert len(ids) == 2


def test_what_the_request_names_comes_back() -> None:
    answer = made_up("elasticache", "ModifyCacheCluster", {"CacheClusterId": "mine"})
    assert answer["CacheCluster"]["CacheClusterId"] == "mine"


def test_of_several_ids_each_is_told() -> None:
    answer = made_up("workspaces", "DescribeWorkspaces", {"WorkspaceIds": ["ws-1", "ws-2"]})
    assert [each["WorkspaceId"] for each in answer["Workspaces"]] == ["ws-1", "ws-2"]


def test_there_is_no_further_page_and_nothing_failed() -> None:
    answer = made_up("securityhub", "BatchUpdateFindings", {"FindingIdentifiers": []})
    assert "UnprocessedFindings" not in answer
    assert "NextToken" not in made_up("workspaces", "DescribeWorkspaces", {})


def test_a_desired_value_comes_true_in_the_type_of_its_member() -> None:
    wish = Wish("$.Workspaces[0].State", None, "STOPPED")
    assert made_up("workspaces", "DescribeWorkspaces", {}, wish)["Workspaces"][0]["State"] == "STOPPED"
    flag = Wish("$.ServiceSetting.Status", None, "Customized")
    assert made_up("ssm", "GetServiceSetting", {}, flag)["ServiceSetting"]["Status"] == "Customized"


@pytest.mark.parametrize(
    "selector",
    [
        "$..State",
        "Workspaces[?(@.WorkspaceId == 'ws-9')].State",
        "$.Workspaces[1].State",
        "$.Workspaces[*].State",
    ],
)
def test_every_form_of_selector_finds_what_was_planted(selector: str) -> None:
    answer = made_up("workspaces", "DescribeWorkspaces", {}, Wish(selector, None, "ERROR"))
    found = selectors.select(selector, answer)
    assert found == "ERROR" or set(found) == {"ERROR"}


def test_names_guide_what_is_made_up() -> None:
    server = made_up("drs", "DescribeSourceServers", {})["items"][0]
    assert server["arn"].startswith("arn:aws:drs:eu-west-1:111122223333:")
    replication = made_up("efs", "CreateReplicationConfiguration", {})
    assert replication["Destinations"][0]["Status"] == "ENABLED"
    assert replication["CreationTime"] == NOW


def test_a_word_that_the_script_knows_is_the_better_state() -> None:
    states = ["FAILED", "ACTIVE", "COMPLETED"]
    assert words.best(states, frozenset()) == "ACTIVE"
    assert words.best(states, frozenset({"FAILED", "COMPLETED"})) == "COMPLETED"
    assert words.best(states, frozenset({"FAILED"})) == "ACTIVE"


def test_planting_changes_nothing_where_the_shape_has_no_such_member() -> None:
    shape = get_service_model("workspaces").operation_model("DescribeWorkspaces").output_shape
    assert plant({}, "$.Nobody.Knows", "x", shape=shape, fill=lambda _shape, name: name) == {}


@pytest.mark.parametrize(
    "java",
    [
        r"^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/[\w+=,.@-]+$",
        r"^(?!.*--)[a-z][a-z0-9-]{0,62}$",
        r"^[\w-\/]{3,10}$",
        r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
        r"^(true|false)$",
        r"^\{\s*\"Type\"\s*:\s*\"(S3|GitHub)\"\s*\}$",
        r"^(?=.{8,})[A-Z]+$",
        r"^i-[a-f0-9]{8}(?:[a-f0-9]{9})?$",
    ],
)
def test_a_text_is_found_that_matches(java: str) -> None:
    found = pattern.matching(java, seed=1)
    assert found is not None and java_regex.matches(java, found)
    assert pattern.matching(java, seed=1) == found


def test_no_text_is_given_for_a_pattern_that_nothing_matches() -> None:
    assert pattern.matching(r"^a$b") is None
    assert pattern.matching(r"(") is None


def test_the_length_is_kept() -> None:
    found = pattern.matching("^[a-z]+$", least=6, most=8)
    assert found is not None and 6 <= len(found) <= 8
