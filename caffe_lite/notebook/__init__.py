"""Notebooks executed as they are: written for Caffe, of Python 2 too.

::

    run.py        a notebook -> the same with its outputs, or the cell that failed
    kernel.py     the process that runs its cells
    python2.py    source of Python 2 -> what means the same in Python 3
    page.py       an executed notebook -> HTML
"""
