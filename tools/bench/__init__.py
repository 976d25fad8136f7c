"""The benchmark: how fast nets run here, in other libraries, and as a fraction of what the machine can do.

``make bench``, or ``python -m tools.bench --help``; ``docs/bench/README.md`` says how to read what comes out.

- ``nets/`` are described, ``weights.py`` draws their parameters, ``operations.py`` counts their arithmetic;
- ``cases.py``: a net, a batch and a mode, as files that every contestant reads; ``growth.py`` has growing ones;
- ``contestants/``: one file each; ``worker.py`` is the process that one lives in, ``process.py`` the other end;
- ``rounds.py`` lets them take turns; ``start.py`` and ``data.py`` time what comes before the arithmetic;
- ``results.py`` is what was found, ``tables.py``, ``compare.py`` and ``picture.py`` show it.
"""
