"""DCSA JSON events: track and trace 2.2 and 3.0, event domain 3.2, just-in-time port call 2.0, schedules 3.0; and back."""
