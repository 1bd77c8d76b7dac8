"""The soak: an hour of mixed load with small faults, and whether anything grows that must not."""
