"""A VES collector: the event listener of ONAP, version 7, as a source of the gateway."""
