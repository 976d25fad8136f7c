#!/usr/bin/env sh
# Train LeNet with RMSProp; run it from the repository's root. What
# follows the script's name goes to `caffe train`.
set -e

./build/tools/caffe train --solver=examples/mnist/lenet_solver_rmsprop.prototxt "$@"
