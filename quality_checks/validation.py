"""Great Expectations as the gate uses it: a suite over a small pandas frame, and which rows broke which rule."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_local = threading.local()


@dataclass(frozen=True)
class Rule:
    """One expectation under the name that people see."""

    name: str
    expectation: str
    arguments: dict[str, Any]


@dataclass
class Finding:
    """How a rule fared; ``positions`` is None where the expectation judges the frame as a whole."""

    rule: Rule
    success: bool
    positions: list[int] | None = None
    problem: str | None = None
    observed: Any = field(default=None)


def validate(frame: Any, rules: Sequence[Rule]) -> list[Finding]:
    """Judge ``frame`` (its index 0, 1, 2 …) by ``rules``; findings come in their order."""
    findings: dict[int, Finding] = {}
    expectations = []
    for number, rule in enumerate(rules):
        made = _expectation(rule, number)
        if isinstance(made, Finding):
            findings[number] = made
        else:
            expectations.append(made)
    if expectations:
        import great_expectations as gx

        batch = _definition().get_batch(batch_parameters={"dataframe": frame})
        results = batch.validate(gx.ExpectationSuite(name="gate", expectations=expectations), result_format="COMPLETE")
        for result in results.results:
            number = result.expectation_config.meta["number"]
            findings[number] = _finding(rules[number], result)
    return [findings[number] for number in range(len(rules))]


def _finding(rule: Rule, result: Any) -> Finding:
    problem = _problem(result.exception_info)
    positions = result.result.get("unexpected_index_list") if result.result else None
    if positions is None and result.success and result.result and "unexpected_count" in result.result:
        positions = []
    observed = result.result.get("observed_value") if result.result else None
    return Finding(rule, bool(result.success), positions, problem, observed)


def _problem(info: Any) -> str | None:
    if not isinstance(info, dict):
        return None
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if isinstance(entry, dict) and entry.get("raised_exception"):
            return (str(entry.get("exception_message")).strip().splitlines() or ["unknown"])[0]
    return None


def _expectation(rule: Rule, number: int) -> Any:
    _quiet()
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        return get_expectation_impl(rule.expectation)(**rule.arguments, meta={"rule": rule.name, "number": number})
    except Exception as problem:
        said = " ".join(line.strip() for line in str(problem).splitlines()[:4])
        return Finding(rule, False, problem=said or type(problem).__name__)


def _definition() -> Any:
    if not hasattr(_local, "definition"):
        _quiet()
        import great_expectations as gx

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset = context.data_sources.add_pandas("gate").add_dataframe_asset("rows")
        _local.definition = asset.add_batch_definition_whole_dataframe("slice")
    return _local.definition


def _quiet() -> None:
    # Read when it is imported: nothing phones home.
    os.environ["GX_ANALYTICS_ENABLED"] = "False"
    import great_expectations  # noqa: F401


def not_null(name: str, column: str) -> Rule:
    """The column must be filled."""
    return Rule(name, "expect_column_values_to_not_be_null", {"column": column})


def null(name: str, column: str) -> Rule:
    """The column must be empty."""
    return Rule(name, "expect_column_values_to_be_null", {"column": column})


def at_most(name: str, column: str, value: int) -> Rule:
    """The column must not be above ``value``."""
    return Rule(name, "expect_column_values_to_be_between", {"column": column, "max_value": value})


def not_below(name: str, column: str, other: str) -> Rule:
    """``column`` must not be below ``other``, where both are filled."""
    return Rule(
        name,
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": column, "column_B": other, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    )
