"""How quaystream runs: the native local stack, compose, Kubernetes, monitoring."""
