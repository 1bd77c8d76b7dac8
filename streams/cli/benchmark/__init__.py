"""The benchmark: the same crane samples through the worker, a stock Faust agent, and bare COPY, side by side.

workload → generator (Kafka) → contestants → measure and oracle → results → report, plot, compare.
Every contestant runs as processes of its own on a stack of its own (arena); the rest only watches from outside.
"""
