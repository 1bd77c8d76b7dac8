"""The whole path in one process: gateway, broker, workers and database in memory, on a clock that nobody waits for.

What decides is real (keeper, sender, lanes of both, preparation, landing, pipeline); what stores is a model (spool, log,
database), each held to the real one by the tests that both pass. A seed makes a schedule; a schedule always plays the same.
"""
