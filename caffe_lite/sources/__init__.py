"""Where data comes from: databases of Datum records, the MNIST files, and the way into a batch.

::

    LevelDB, LMDB ──cursor──▶ records ──datum──▶ fields and pixels ──transformer──▶ batch ──prefetch──▶ layer
"""
