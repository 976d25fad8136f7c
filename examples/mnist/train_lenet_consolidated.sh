#!/usr/bin/env sh
# Train LeNet from one file that holds the net too; run it from the repository's root. What
# follows the script's name goes to `caffe train`.
set -e

./build/tools/caffe train --solver=examples/mnist/lenet_consolidated_solver.prototxt "$@"
