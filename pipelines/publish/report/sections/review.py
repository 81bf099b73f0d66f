"""Review of commitments: which to raise, which processes to mend, what breaches cost, which budgets run out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipelines.publish.report.labels import label
from pipelines.publish.report.sections.section import Section, Sheet

if TYPE_CHECKING:
    from pipelines.publish.report.facts import Facts, Row

# In the order of concern, with how the page says it; only the first ones call for a decision now.
RECOMMENDATIONS = {
    "mend": (label("Mend the process"), "below"),
    "raise": (label("Raise the commitment"), "met"),
    "watch": (label("Watch"), "close"),
    "uncertain": (label("Too early to say"), "none"),
    "keep": (label("Keep"), "none"),
    "not_enough_data": (label("Not enough runs"), "none"),
}
DECIDED = ("mend", "raise", "watch")
OF_EACH = 4
ROWS_SHOWN = 12

REVIEW = f"""
    SELECT * FROM marts.commitment_review
    ORDER BY list_position({list(RECOMMENDATIONS)}, recommendation),
        CASE recommendation WHEN 'raise' THEN -achievement_rate ELSE achievement_rate END NULLS LAST, commitment_id"""
CURVE = "SELECT * FROM marts.limit_curve ORDER BY commitment_id, limit_share NULLS LAST, limit_kind"
PENALTIES = """
    SELECT * FROM marts.penalty_by_period WHERE grain = 'month'
    ORDER BY period_start DESC, penalty DESC, commitment_id"""
CREDITS = """
    SELECT *, coalesce(commitment_id, process) AS subject FROM marts.service_credit_by_period
    ORDER BY period_start DESC, subject"""
BUDGETS = """
    SELECT *, misses_left / nullif(allowed_misses, 0) AS left_share FROM marts.error_budget_by_commitment
    ORDER BY burn_rate_28_days DESC NULLS LAST, commitment_id"""

NAMES = [
    ("commitment_id", "Commitment", "text"),
    ("process_name", "Process", "text"),
    ("node_name", "Node", "text"),
]
RATES = [
    ("due", "Due", "count"),
    ("kept", "Kept", "count"),
    ("achievement_rate", "Achievement", "rate"),
    ("rate_low", "Achievement low (95 %)", "rate"),
    ("rate_high", "Achievement high (95 %)", "rate"),
]


def _view(facts: Facts, rows: Mapping[str, list[Row]]) -> dict[str, Any] | None:
    reviewed, budgets = rows["review"], rows["budgets"]
    if not reviewed and not budgets and not rows["penalties"]:
        return None
    by_recommendation = {name: [row for row in reviewed if row["recommendation"] == name] for name in RECOMMENDATIONS}
    penalties = [row for row in rows["penalties"] if row["period_start"] == facts.month]
    burning = [row for row in budgets if row["exhausted_on"] is not None]
    return {
        "window_start": reviewed[0]["window_start"] if reviewed else None,
        "window_end": reviewed[0]["window_end"] if reviewed else None,
        "reviewed": len(reviewed),
        "groups": [
            {"title": title, "kind": kind, "rows": by_recommendation[name], "shown": by_recommendation[name][:OF_EACH]}
            for name, (title, kind) in RECOMMENDATIONS.items()
            if name in DECIDED and by_recommendation[name]
        ],
        "counts": [(title, kind, len(by_recommendation[name])) for name, (title, kind) in RECOMMENDATIONS.items()],
        "month": facts.month,
        "penalties": penalties[:ROWS_SHOWN],
        "penalty": sum(row["penalty"] for row in penalties),
        "breaches": sum(row["breaches"] for row in penalties),
        "currency": penalties[0]["currency"] if penalties else "",
        "credits": [row for row in rows["credits"] if row["period_start"] == facts.month][:ROWS_SHOWN],
        "burning": burning[:ROWS_SHOWN],
        "burning_count": len(burning),
        "budgets": len(budgets),
        "as_of_day": facts.as_of.astimezone(facts.zone).date(),
    }


def _sheets() -> Sequence[Sheet]:
    period = [("period_start", "Month", "date"), ("is_complete", "Month complete", "text")]
    return (
        Sheet(
            "Review",
            [
                ("recommendation", "Recommendation", "text"),
                *NAMES,
                ("qualifiers", "For", "text"),
                ("department", "Department", "text"),
                ("window_start", "From", "day"),
                ("window_end", "To before", "day"),
                *RATES,
                ("target_rate", "Target", "rate"),
                ("tolerance_due", "Tolerance due", "count"),
                ("tolerated", "Tolerated", "count"),
                ("tolerance_rate", "Tolerance rate", "rate"),
                ("commitment_limit", "Commitment limit", "text"),
                ("tolerance_limit", "Tolerance limit", "text"),
                ("calendar", "Calendar", "text"),
                ("proposed_commitment_limit_seconds", "Proposed commitment, working hours", "hours"),
                ("proposed_tolerance_limit_seconds", "Proposed tolerance, working hours", "hours"),
                ("expected_rate", "Expected rate", "rate"),
                ("runs_needed", "Runs needed", "count"),
                ("node_to_mend", "Begin with node", "text"),
                ("reason", "Reason", "text"),
            ],
            "review",
        ),
        Sheet(
            "Limit curve",
            [
                ("commitment_id", "Commitment", "text"),
                ("limit_kind", "Limit", "text"),
                ("limit_share", "By today's limit", "number"),
                ("limit_seconds", "Limit, working hours", "hours"),
                *RATES,
                ("undecided", "Undecided", "count"),
            ],
            "curve",
        ),
        Sheet(
            "Penalties",
            [
                *period,
                *NAMES,
                ("breaches", "Breaches", "count"),
                ("overrun_hours", "Over the limit, working hours", "number"),
                ("breach_penalty", "For breaches", "amount"),
                ("hourly_penalty", "For hours", "amount"),
                ("penalty", "Penalty, capped", "amount"),
                ("currency", "Currency", "text"),
            ],
            "penalties",
        ),
        Sheet(
            "Service credits",
            [
                *period,
                ("subject", "Commitment or process", "text"),
                *RATES[:3],
                ("rate_from", "Band from", "rate"),
                ("rate_to", "Band to", "rate"),
                ("credit_rate", "Credit, share", "rate"),
                ("credit_amount", "Credit, amount", "amount"),
                ("currency", "Currency", "text"),
            ],
            "credits",
        ),
        Sheet(
            "Error budgets",
            [
                *NAMES,
                ("window_start", "From", "day"),
                ("window_end", "To", "day"),
                ("target_rate", "Target", "rate"),
                ("due", "Due", "count"),
                ("allowed_misses", "Misses allowed", "number"),
                ("used", "Misses", "count"),
                ("misses_left", "Misses left", "number"),
                ("burn_rate_1_day", "Burn rate, 1 day", "number"),
                ("burn_rate_7_days", "Burn rate, 7 days", "number"),
                ("burn_rate_28_days", "Burn rate, 28 days", "number"),
                ("exhausted_on", "Used up on", "day"),
            ],
            "budgets",
        ),
    )


SECTION = Section(
    name="review",
    title=label("Review of commitments"),
    queries={"review": REVIEW, "curve": CURVE, "penalties": PENALTIES, "credits": CREDITS, "budgets": BUDGETS},
    view=_view,
    sheets=_sheets(),
)
