"""A folder of files that grow: CloudEvents as JSON lines, or delimited text through a mapping."""
