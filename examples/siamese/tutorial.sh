#!/usr/bin/env sh
# The whole tutorial: data, databases, training, pictures. Run from the repository's root; `make tutorial` does.
#   ITERATIONS   how many to train; Caffe's tutorial has 50000
set -eu

SIAMESE=examples/siamese
OUT=tutorial
ITERATIONS=${ITERATIONS:-50000}

mkdir -p $OUT
caffe_lite build

./data/mnist/get_mnist.sh
./$SIAMESE/create_mnist_siamese.sh

# the script trains from the solver beside it, or from a copy with another max_iter: the last --solver counts
sed "s/^max_iter:.*/max_iter: $ITERATIONS/" $SIAMESE/mnist_siamese_solver.prototxt > $OUT/solver.prototxt
rm -f $OUT/*.INFO $OUT/*.log.*
./$SIAMESE/train_mnist_siamese.sh --solver=$OUT/solver.prototxt --log_dir=$OUT

for phase in TRAIN TEST; do
    draw_net.py $SIAMESE/mnist_siamese_train_test.prototxt $OUT/net_$phase.png --phase $phase
done
draw_net.py $SIAMESE/mnist_siamese.prototxt $OUT/net_deploy.png
caffe_lite plot $OUT/caffe_lite.INFO $OUT/training_curve.png
caffe_lite embed --weights=$SIAMESE/mnist_siamese_iter_$ITERATIONS.caffemodel $OUT/embedding.png

echo "Done. The pictures are in $OUT/: net_TRAIN.png, net_TEST.png, net_deploy.png, training_curve.png, embedding.png"
