"""All SQL: `tables` declares, `database` connects, and one file per aggregate reads and writes.

Functions take an open connection and the principal (or a tenant id, for background work). None of them commits:
the `async with store.write()` block around them does.
"""
