"""The few bad rows that every real system has: which rows, what is wrong with them, and when somebody corrects it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.sample_organisation.chance import shuffle
from pipelines.sample_organisation.staff_hours import DAY, NEVER, local_day, months_of

# Long enough that a run or two sees the mistake, short enough that one can wait for it to be released.
_CORRECTED_AFTER = 9 * DAY
# One in three is noticed by the people who made it; the others stay.
_CORRECTED_ONE_IN = 3
# A row that lasted a moment cannot end before it starts by a typing error that anybody would notice.
_SHORTEST = 900


@dataclass(frozen=True)
class Blemishes:
    """A kind of mistake for each row ('' for the good ones), as far as it can be seen now."""

    kind: np.ndarray
    corrected_at: np.ndarray

    def of(self, kind: str) -> np.ndarray:
        """Which rows have this mistake."""
        return self.kind == kind


def blemish(
    rows: pd.DataFrame,
    kinds: Sequence[str],
    system: str,
    seed: int,
    view: int,
    every_months: int = 1,
    is_log: bool = False,
) -> Blemishes:
    """Pick one finished row in so many months and give the kinds in turn; a mistake shows once the row is finished.

    A line of a log (``is_log``) is wrong from the beginning, and nobody corrects it.
    """
    started, ended = rows["started"].to_numpy(), rows["ended"].to_numpy()
    month = months_of(local_day(started))
    may = ~rows["is_cancelled"].to_numpy() & (ended < NEVER) & (ended - started >= _SHORTEST)
    picks = pd.DataFrame({"month": month, "order": shuffle(seed, system, rows["row"].to_numpy())})[may]
    picks = picks[picks["month"] % every_months == 0]
    chosen = picks.sort_values("order").groupby("month").head(1).index.to_numpy()
    turn = month // every_months

    kind = np.full(len(rows), "", dtype=object)
    kind[chosen] = np.array(kinds, dtype=object)[turn[chosen] % len(kinds)]
    # Each kind is noticed in turn, so that some of every kind are corrected and some stay.
    noticed = ((turn // len(kinds) + turn % len(kinds)) % _CORRECTED_ONE_IN == 0) & (not is_log)
    corrected_at = np.where(noticed, np.minimum(ended, NEVER - _CORRECTED_AFTER) + _CORRECTED_AFTER, NEVER)
    shows = (kind != "") & ((ended <= view) | is_log)
    is_corrected = shows & (corrected_at <= view)
    return Blemishes(np.where(shows & ~is_corrected, kind, ""), np.where(is_corrected, corrected_at, 0))
