"""PostgreSQL's settings for copying its log away, and for reading it back: text to be added to postgresql.conf."""

from datetime import datetime

# Copying can then be switched on without a restart; until then finished files of the log are thrown away as ever.
NONE = """
archive_mode = on
archive_command = '/bin/true'
"""


def settings(archive: str) -> str:
    """Copy every finished file of the log, and an unfinished one after a minute.

    A file is there whole or not at all; one that is there already must be the same, as after a crash between two steps.
    """
    file = f"{archive}/%f"
    copy = f"cp %p {file}.partial && sync {file}.partial && mv {file}.partial {file}"
    return f"""
archive_mode = on
archive_timeout = '60s'
archive_command = 'if test -e {file}; then cmp -s %p {file}; else {copy}; fi'
"""


def restoring(archive: str, to: datetime | None) -> str:
    """Read the log to a moment, or to its end, then take writes."""
    until = f"recovery_target_time = '{to.isoformat()}'\n" if to else ""
    return f"""
restore_command = 'cp {archive}/%f "%p"'
recovery_target_action = 'promote'
{until}"""
