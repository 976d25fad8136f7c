#!/usr/bin/env sh
# Make the databases of photographs that the CIFAR-10 nets learn from and are tested with, and the mean of those
# to learn from, anew if they are there. Run it from the repository's root; the binary version of CIFAR-10 must
# lie unpacked in data/cifar10. DBTYPE=leveldb makes LevelDBs; the nets then have to say `backend: LEVELDB`, and
# name their folders.
set -e

DATA=./data/cifar10
OUT=./examples/cifar10
DBTYPE=${DBTYPE:-lmdb}

echo "Creating $DBTYPE..."

rm -rf "$OUT/cifar10_train_$DBTYPE" "$OUT/cifar10_test_$DBTYPE"
./build/examples/cifar10/convert_cifar_data.bin "$DATA" "$OUT" "$DBTYPE"

echo "Computing image mean..."

./build/tools/compute_image_mean -backend="$DBTYPE" "$OUT/cifar10_train_$DBTYPE" "$OUT/mean.binaryproto"

echo "Done."
