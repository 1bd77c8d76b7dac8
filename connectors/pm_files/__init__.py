"""3GPP performance measurement files in XML to events, as a stream and without any I/O."""
