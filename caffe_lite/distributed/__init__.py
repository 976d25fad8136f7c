"""One training over several processes, on one machine or on many: the ranks of an MPI program.

Each rank computes its own batch; the means of the gradients over all ranks make the update, so that all hold the same
weights. Commands import this room, nothing else does; it imports the solvers and what is below them, and mpi4py only
where there is more than one rank. ``mpi.py`` knows MPI, ``reducer.py`` gradients, ``solver.py`` and ``snapshots.py``
what a rank does differently from a process that trains alone.

Source: the meaning is that of Caffe's parallel.cpp, for GPUs of one machine.
"""
