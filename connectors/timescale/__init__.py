"""TimescaleDB: the schema, the one transaction of the worker, and the checks that run beside it."""
