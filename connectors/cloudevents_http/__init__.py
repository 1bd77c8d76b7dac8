"""CloudEvents over HTTP: structured, binary and batched (HTTP protocol binding 1.0.2)."""
