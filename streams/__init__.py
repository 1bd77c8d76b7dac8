"""Room 2, meaning: what a batch of records becomes. The pure part (core, domains, pipeline) imports schemas only."""
