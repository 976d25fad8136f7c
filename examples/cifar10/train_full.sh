#!/usr/bin/env sh
# Train the full CIFAR-10 net, then go on with a tenth of the rate, and with a hundredth. Run it from the
# repository's root. What follows the script's name goes to all three calls of `caffe train`.
set -e

SOLVER=examples/cifar10/cifar10_full_solver
STATE=examples/cifar10/cifar10_full_iter

# the solvers of this net write their states as HDF5
./build/tools/caffe train --solver=$SOLVER.prototxt "$@"
./build/tools/caffe train --solver=${SOLVER}_lr1.prototxt --snapshot=${STATE}_60000.solverstate.h5 "$@"
./build/tools/caffe train --solver=${SOLVER}_lr2.prototxt --snapshot=${STATE}_65000.solverstate.h5 "$@"
