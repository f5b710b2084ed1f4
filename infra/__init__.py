"""Settings, database, bus, storage, clock, metrics. Knows nobody."""
