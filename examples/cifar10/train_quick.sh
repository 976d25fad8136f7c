#!/usr/bin/env sh
# Train the quick CIFAR-10 net, then go on with a tenth of the rate. Run it from the repository's root. What
# follows the script's name goes to both calls of `caffe train`.
set -e

SOLVER=examples/cifar10/cifar10_quick_solver

./build/tools/caffe train --solver=$SOLVER.prototxt "$@"
./build/tools/caffe train --solver=${SOLVER}_lr1.prototxt \
    --snapshot=examples/cifar10/cifar10_quick_iter_4000.solverstate "$@"
