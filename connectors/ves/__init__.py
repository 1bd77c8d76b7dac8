"""ONAP VES 7 messages to events, without any I/O."""
