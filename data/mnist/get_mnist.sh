#!/usr/bin/env sh
# Fetch the four files of MNIST into this folder, those that are not there already.
set -e

caffe_lite get_mnist "$(dirname "$0")"
