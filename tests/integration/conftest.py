"""The fixtures are in tests/conftest.py; the name of the database's type is kept for who imports it from here."""

from tests.support.databases import Database

__all__ = ["Database"]
