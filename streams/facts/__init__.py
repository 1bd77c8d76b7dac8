"""Facts: finished things (a crane cycle, a gate visit, a cargo visit, a vessel call) rebuilt from stored raw rows.

Pure: rows in, facts out, the same whatever order the rows arrived in. Who calls it, and when, is streams/refolding.py.
"""
