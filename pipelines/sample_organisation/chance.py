"""Seeded chance, cut by day or month: what happened on a day never depends on how long the history is."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Draws:
    """The chance of many work orders: which period each belongs to, its number in it, and its random numbers."""

    period: np.ndarray
    number: np.ndarray
    uniform: np.ndarray
    normal: np.ndarray

    def __len__(self) -> int:
        return len(self.period)


def draw(
    seed: int,
    stream: str,
    periods: np.ndarray,
    expected: np.ndarray,
    uniforms: int,
    normals: int,
    exactly: bool = False,
) -> Draws:
    """Draw ``expected`` work orders a period (or ``exactly`` that many), each with its own random numbers."""
    name = zlib.crc32(stream.encode())
    period, number, uniform, normal = [], [], [], []
    for one, rate in zip(periods.tolist(), expected.tolist(), strict=True):
        # A generator a period: a window that begins later still finds the same work orders in the periods it shares.
        random = np.random.Generator(np.random.PCG64([seed, name, one]))
        count = int(rate) if exactly else int(random.poisson(rate))
        period.append(np.full(count, one))
        number.append(np.arange(count))
        uniform.append(random.random((count, uniforms)))
        normal.append(random.standard_normal((count, normals)))
    return Draws(
        np.concatenate(period).astype(np.int64),
        np.concatenate(number).astype(np.int64),
        np.concatenate(uniform),
        np.concatenate(normal),
    )


def shuffle(seed: int, stream: str, identity: np.ndarray) -> np.ndarray:
    """A random-looking number for each identity (splitmix64): an order in which to pick rows, stable for ever."""
    with np.errstate(over="ignore"):
        mixed = identity.astype(np.uint64) * _GOLDEN + np.uint64(zlib.crc32(f"{seed}:{stream}".encode()))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX_A
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_B
        return mixed ^ (mixed >> np.uint64(31))


def choose(uniform: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """One of the words of ``shares`` for each uniform number, in these proportions."""
    edges = np.cumsum(list(shares.values()))
    return np.array(list(shares), dtype=object)[np.searchsorted(edges / edges[-1], uniform, side="right")]


def hour_of_day(uniform: np.ndarray, weights: dict[int, float]) -> np.ndarray:
    """A second of the day for each uniform number; ``weights`` says how busy the day is from an hour on."""
    by_hour = np.zeros(24)
    for hour, weight in sorted(weights.items()):
        by_hour[hour:] = weight
    edges = np.concatenate([[0.0], np.cumsum(by_hour)]) / by_hour.sum()
    return np.interp(uniform, edges, np.arange(25) * 3600.0).astype(np.int64)


def lasting(normal: np.ndarray, median_hours: float, spread: float, factor: np.ndarray | float = 1.0) -> np.ndarray:
    """Whole seconds, log-normal: most work is done about as fast as usual, some takes several times as long."""
    return (np.exp(np.log(median_hours * 3600.0) + spread * normal) * factor).astype(np.int64) + 1
