#!/usr/bin/env sh
# Make the databases of digits that LeNet learns from and is tested with, anew if they are there.
# Run it from the repository's root, after data/mnist/get_mnist.sh. BACKEND=leveldb makes LevelDBs; the net then
# has to say `backend: LEVELDB`, and name their folders.
set -e

CONVERT=./build/examples/mnist/convert_mnist_data.bin
DATA=./data/mnist
OUT=./examples/mnist
BACKEND=${BACKEND:-lmdb}

echo "Creating $BACKEND..."

make_database() {  # SET NAME
    rm -rf "$OUT/mnist_$2_$BACKEND"
    "$CONVERT" "$DATA/$1-images-idx3-ubyte" "$DATA/$1-labels-idx1-ubyte" "$OUT/mnist_$2_$BACKEND" \
        --backend="$BACKEND"
}

make_database train train
make_database t10k test

echo "Done."
