"""Room 3, effects: one folder per outside system. Connectors import schemas, never streams."""
