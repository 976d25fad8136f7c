#!/usr/bin/env sh
# Train the CIFAR-10 net with sigmoids; run it from the repository's root. What follows the script's
# name goes to `caffe train`.
set -e

./build/tools/caffe train --solver=examples/cifar10/cifar10_full_sigmoid_solver.prototxt "$@"
