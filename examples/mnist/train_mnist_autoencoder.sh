#!/usr/bin/env sh
# Train the autoencoder; run it from the repository's root. What
# follows the script's name goes to `caffe train`.
set -e

./build/tools/caffe train --solver=examples/mnist/mnist_autoencoder_solver.prototxt "$@"
