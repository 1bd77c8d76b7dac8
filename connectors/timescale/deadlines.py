"""How long a worker waits for the database, in seconds: the deploy files are judged by these."""

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
