"""A home with one source and one entity, pulled and landed as the daily run does it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.catalogue.sources import Entity, Source, StoreOptions
from pipelines.home import Home
from pipelines.landing import ROW_NUMBER, Batch, Landing
from pipelines.sources import Progress, Pulled, Range, list_keys, patience, pull


@dataclass
class Bench:
    home: Home
    connection: str
    kind: str = "files"
    settings: dict[str, Any] = field(default_factory=dict)
    """What else the source says in sources.yml."""
    options: StoreOptions = field(default_factory=StoreOptions)
    clock: datetime = datetime(2026, 5, 1, tzinfo=UTC)
    seen: list[int] = field(default_factory=list)

    @property
    def landing(self) -> Landing:
        return Landing(self.home)

    @property
    def batches(self) -> list[Batch]:
        return self.landing.batches("crm", "orders")

    def source(self, *entities: Entity) -> Source:
        return Source(
            name="crm",
            kind=self.kind,
            connection=SecretStr(self.connection),
            entities={entity.name: entity for entity in entities},
            options=self.options,
            **self.settings,
        )

    def asked(self, from_: str | None = None, **declared: Any) -> Pulled:
        """A pull that was read to its end, and not landed."""
        entity = Entity(name="orders", shape="runs", columns={}, from_=from_, **declared)
        pulled = pull(self.source(entity), entity, self.batches, self.home, False, self.seen.append)
        assert pulled is not None
        for _ in pulled.batches:
            pass
        return pulled

    def pull(
        self,
        from_: str | None = None,
        full_refresh: bool = False,
        backfill: Range | None = None,
        progress: Progress | None = None,
        **declared: Any,
    ) -> Batch | None:
        """What a daily run does with one entity; the last batch that landed."""
        self.clock += timedelta(days=1)
        entity = Entity(name="orders", shape="runs", columns={}, from_=from_, **declared)
        source = self.source(entity)
        told = progress or self.seen.append
        pulled = pull(source, entity, self.batches, self.home, full_refresh, told, backfill)
        landed = []
        while pulled is not None:
            landed.append(self.landing.land("crm", "orders", pulled, self.clock))
            assert not list((self.home.warehouse / "pulls").glob("*")), "copies are left behind"
            if pulled.problem is not None:
                raise pulled.problem
            pulled = pulled.rest
        if (keys := list_keys(source, entity, self.home)) is not None:
            landed.append(self.landing.land("crm", "orders", keys, self.clock))
        return next((batch for batch in reversed(landed) if batch is not None), None)

    def rows(self, from_: str | None = None, **declared: Any) -> list[dict[str, Any]]:
        batch = self.pull(from_, **declared)
        assert batch is not None
        return rows(batch)

    def deliver(self, name: str, content: str | bytes) -> Path:
        path = self.home.root / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def nothing_landed(self) -> bool:
        """No batch, and no remains of one."""
        folder = self.home.landing / "crm" / "orders"
        return not self.batches and (not folder.exists() or [path.name for path in folder.iterdir()] in ([], [".lock"]))


def rows(batch: Batch) -> list[dict[str, Any]]:
    landed = batch.table().to_pylist()
    assert [row.pop(ROW_NUMBER) for row in landed] == list(range(1, batch.rows + 1))
    return landed


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "in").mkdir()
    return Bench(Home(tmp_path), "in")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before further tries, none of which is made."""
    slept: list[float] = []
    monkeypatch.setattr(patience, "sleep", slept.append)
    return slept
