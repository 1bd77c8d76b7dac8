"""The chaos harness: a cluster, workers and gateways behind a proxy that breaks links, a schedule of faults, a judgement.

`quaystream chaos` is its command. Everything runs on loopback, as processes that it started and ends.
"""
