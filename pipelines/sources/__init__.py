"""Source systems: one module a kind, each yields Arrow batches, nothing else."""

from pipelines.sources.pulled import Progress, Pulled, SourceError

__all__ = ["Progress", "Pulled", "SourceError"]
