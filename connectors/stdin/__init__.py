"""CloudEvents as JSON lines from the standard input."""
