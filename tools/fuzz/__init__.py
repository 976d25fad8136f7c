"""Broken and hostile files for every reader: nothing may come of them but our own errors, soon and in little memory.

::

    python -m tools.fuzz                          what readers there are
    python -m tools.fuzz leveldb --seconds 600    one of them, for so long
    python -m tools.fuzz all --seconds 60         each of them
"""
