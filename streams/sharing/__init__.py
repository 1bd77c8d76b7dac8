"""What `quaystream share run` does: events of a contract, out of the event topics into the agency's own."""
