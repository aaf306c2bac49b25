"""Everything that outlives a request: the database, loaded models, caches and locks."""
