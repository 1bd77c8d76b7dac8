"""A store in memory: for tests and for looking at a pipeline without a database. Loses everything at exit."""

from connectors.memory.database import Database
from connectors.memory.store import MemoryStore
from connectors.memory.trouble import AwayError, RefusedRowError, Script, Step, TooSlowError

__all__ = ["AwayError", "Database", "MemoryStore", "RefusedRowError", "Script", "Step", "TooSlowError"]
