"""EDIFACT (ISO 9735) messages of container terminals: CODECO and COARRI, to events and back."""
