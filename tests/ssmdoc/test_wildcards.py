"""Patterns with * and ?: what they stand for, and that no pattern takes long."""

import itertools
import time

import pytest

from ssmdoc.wildcards import matches, overlaps


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("ec2:Run*", "ec2:RunInstances", True),
        ("ec2:Run*", "ec2:runInstances", False),
        ("*", "", True),
        ("?", "", False),
        ("a**b", "ab", True),
        ("*a*b", "xaxbxb", True),
        ("*ab", "abab", True),
        ("a*a", "a", False),
        ("?*?", "ab", True),
        ("?*?", "a", False),
        ("a.c", "abc", False),
        ("*", "a\nb", True),
        ("arn:*", "arn:*", True),
    ],
)
def test_a_text_is_of_a_pattern(pattern: str, text: str, fits: bool) -> None:
    assert matches(pattern, text) is fits


def test_case_counts_unless_it_is_asked_not_to() -> None:
    assert matches("EC2:run*", "ec2:RunInstances", any_case=True)


def test_two_patterns_overlap_where_some_text_is_of_both() -> None:
    texts = ["".join(signs) for size in range(5) for signs in itertools.product("ab", repeat=size)]
    patterns = ["".join(signs) for size in range(4) for signs in itertools.product("ab*?", repeat=size)]
    of = {pattern: {text for text in texts if matches(pattern, text)} for pattern in patterns}
    for left, right in itertools.product(patterns, repeat=2):
        # Patterns of three signs that share any text share one of four characters or less.
        assert overlaps(left, right) == bool(of[left] & of[right]), (left, right)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 40 + "b", "a" * 2_000),
        ("ec2:*Instance*Type", "ec2:" + "Instance" * 7_500),
        ("*" * 6_000 + "b", "*" * 6_000 + "a"),
        ("a*" * 2_000 + "b", "*a" * 2_000 + "a"),
        ("?*" * 2_000, "*?" * 2_000),
    ],
)
def test_many_stars_take_little_time(pattern: str, text: str) -> None:
    before = time.process_time()
    matches(pattern, text)
    overlaps(pattern, text)
    overlaps(text, pattern)
    # A few hundredths of a second of an idle core; what tries every place takes minutes.
    assert time.process_time() - before < 3
