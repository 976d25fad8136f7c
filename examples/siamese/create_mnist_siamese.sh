#!/usr/bin/env sh
# Make the databases of pairs that the siamese net learns from and is tested with, anew if they are there.
# Run it from the repository's root, after data/mnist/get_mnist.sh.
set -e

CONVERT=./build/examples/siamese/convert_mnist_siamese_data.bin
DATA=./data/mnist
OUT=./examples/siamese

echo "Creating leveldb..."

make_pairs() {  # SET NAME
    rm -rf "$OUT/mnist_siamese_$2_leveldb"
    "$CONVERT" "$DATA/$1-images-idx3-ubyte" "$DATA/$1-labels-idx1-ubyte" "$OUT/mnist_siamese_$2_leveldb"
}

make_pairs train train
make_pairs t10k test

echo "Done."
