"""How often, and after which pauses, a source that does not answer as it should is asked again."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep
from typing import TypeVar

import tenacity

Given = TypeVar("Given")

SECONDS_BEFORE_THE_FIRST_RETRY, SECONDS_BETWEEN_RETRIES = 1.0, 60.0


def patiently(
    ask: Callable[[], Given],
    retries: int,
    may_pass: Callable[[BaseException], bool],
    pause_asked: Callable[[BaseException], float | None] = lambda problem: None,
) -> Given:
    """Return what ``ask`` returns; after what may pass it is asked again, later each time or when it wants to be."""
    # With jitter: what stumbled over many at once is not to be asked by all of them at once again.
    backing_off = tenacity.wait_exponential_jitter(
        initial=SECONDS_BEFORE_THE_FIRST_RETRY, max=SECONDS_BETWEEN_RETRIES, jitter=SECONDS_BEFORE_THE_FIRST_RETRY
    )

    def pause(state: tenacity.RetryCallState) -> float:
        problem = state.outcome.exception() if state.outcome else None
        asked = pause_asked(problem) if problem else None
        return backing_off(state) if asked is None else asked

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(may_pass),
        stop=tenacity.stop_after_attempt(retries + 1),
        wait=pause,
        sleep=lambda seconds: sleep(seconds),
        reraise=True,
    )
    return retrying(ask)
