"""One stage of the daily run over a synthetic home: ``python -m tests.benchmark.stages STAGE HOME``."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.catalogue import read_catalogue
from pipelines.gate import judge
from pipelines.home import Home
from pipelines.publish import Publication
from pipelines.run import Daily
from pipelines.warehouse import PROJECT, WAREHOUSE

from .measure import measured
from .synthesize import AS_OF

STAGES = ["land", "gate", "build", "publish"]
# What is decided on: in all it may take as long as the states and achievement that it rests on.
DECISIONS = ["review", "time", "voice", "risk"]


def stage(name: str, home: Home) -> None:
    """Run one stage and print what it cost; imports of the stage's libraries are part of it."""
    daily = Daily(home, read_catalogue(home), AS_OF)
    [source] = daily.catalogue.sources.values()
    with measured(name):
        if name == "land":
            daily.land_catalogue()
            for entity in source.entities:
                daily.pull(source, entity)
        elif name == "gate":
            for entity in source.entities.values():
                judge(home, source, entity, daily.as_of)
        elif name == "build":
            nodes = daily.build().nodes
        else:
            publication = Publication(home, daily.publication_id)
            built = home.warehouse / WAREHOUSE
            publication.write_parquet(built)
            publication.write_report(built)
            publication.show(built)
    if name == "build":
        decisions = {path.stem for theme in DECISIONS for path in (PROJECT / "models").glob(f"*/{theme}/*.sql")}
        seconds = dict.fromkeys((True, False), 0.0)
        for node in nodes:
            if node.kind == "model":
                seconds[node.name in decisions] += node.seconds
        print(f"  {' '.join(DECISIONS)}: {seconds[True]:.1f} s of models, all others: {seconds[False]:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("home", type=Path)
    arguments = parser.parse_args()
    stage(arguments.stage, Home(arguments.home.resolve()))
