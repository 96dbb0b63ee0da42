"""The history room: keeps what the bus tells in a database, and answers questions of time.

The board never waits for it. Importing this package loads no database library.
"""
