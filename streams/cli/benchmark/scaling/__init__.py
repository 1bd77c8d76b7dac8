"""How the worker's cost grows: with assets, partitions, stored rows, chunks that are dropped, and workers.

extent (what to run) → course (in which order) → ground (topic, rows, chunks) → pull (one measured run), handover
(a worker joins and leaves) → document → figures, curves, page (table, picture, docs/scaling.md).
"""
