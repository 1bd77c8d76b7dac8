"""Delimited text to events, by a mapping that is data: what each column means stands in a YAML file."""
