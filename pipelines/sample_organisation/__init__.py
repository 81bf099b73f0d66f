"""Makes the source systems of a telecom operator that does not exist: a pure function of a seed and the time."""
