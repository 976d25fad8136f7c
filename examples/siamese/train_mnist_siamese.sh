#!/usr/bin/env sh
# Train the siamese net; run it from the repository's root. What follows the script's name goes to `caffe train`,
# such as --snapshot=examples/siamese/mnist_siamese_iter_5000.solverstate to go on from there.
set -e

./build/tools/caffe train --solver=examples/siamese/mnist_siamese_solver.prototxt "$@"
