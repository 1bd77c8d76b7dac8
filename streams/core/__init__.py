"""The pure core: values in, values out. No framework, no clock, no I/O; imports schemas only."""
