"""An example of each command, for docs/commands.md."""

from __future__ import annotations

EXAMPLES = {
    "train": """
caffe_lite train --solver=examples/mnist/lenet_solver.prototxt
caffe_lite train --solver=examples/mnist/lenet_solver.prototxt --snapshot=auto      # go on where it stopped
caffe_lite train --solver=examples/mnist/lenet_solver.prototxt --weights=old.caffemodel     # finetune
""",
    "test": """
caffe_lite test --model=examples/mnist/lenet_train_test.prototxt --weights=lenet_iter_10000.caffemodel --iterations=100
""",
    "device_query": "caffe_lite device_query",
    "time": "caffe_lite time --model=examples/mnist/lenet_train_test.prototxt --iterations=10",
    "warm": "caffe_lite warm --solver=examples/mnist/lenet_solver.prototxt",
    "build": """
caffe_lite build path/to/caffe
caffe_lite build --undo path/to/caffe
""",
    "new": """
caffe_lite new lenet digits
caffe_lite new siamese fruit --data=photos --size=64
""",
    "get_mnist": "caffe_lite get_mnist",
    "convert_mnist_data": """
caffe_lite convert_mnist_data data/mnist/train-images-idx3-ubyte data/mnist/train-labels-idx1-ubyte train_lmdb
""",
    "convert_mnist_siamese_data": """
caffe_lite convert_mnist_siamese_data data/mnist/train-images-idx3-ubyte data/mnist/train-labels-idx1-ubyte pairs
""",
    "convert_cifar_data": "caffe_lite convert_cifar_data data/cifar10 examples/cifar10 lmdb",
    "convert_imageset": """
caffe_lite convert_imageset --shuffle --resize_width=256 --resize_height=256 photos/ photos/train.txt photos_train_lmdb
""",
    "compute_image_mean": "caffe_lite compute_image_mean photos_train_lmdb mean.binaryproto",
    "extract_features": """
caffe_lite extract_features lenet.caffemodel examples/mnist/lenet_train_test.prototxt ip1 features_lmdb 10 lmdb
""",
    "classification": """
caffe_lite classification deploy.prototxt net.caffemodel mean.binaryproto labels.txt cat.jpg
""",
    "upgrade_net_proto_text": "caffe_lite upgrade_net_proto_text old.prototxt new.prototxt",
    "upgrade_net_proto_binary": "caffe_lite upgrade_net_proto_binary old.caffemodel new.caffemodel",
    "upgrade_solver_proto_text": "caffe_lite upgrade_solver_proto_text old_solver.prototxt new_solver.prototxt",
    "check": "caffe_lite check examples/mnist/lenet_solver.prototxt",
    "summary": "caffe_lite summary examples/mnist/lenet.prototxt",
    "draw": "caffe_lite draw --rankdir=TB --phase=TRAIN examples/mnist/lenet_train_test.prototxt lenet.png",
    "plot": """
caffe_lite plot train.log curve.png
caffe_lite plot filters examples/mnist/lenet_train_test.prototxt lenet_iter_10000.caffemodel filters.png
""",
    "export": "caffe_lite export examples/mnist/lenet.prototxt lenet_iter_10000.caffemodel lenet.onnx",
    "import": "caffe_lite import examples/mnist/lenet.prototxt lenet.npz lenet.caffemodel",
    "eval": "caffe_lite eval siamese fruit",
    "embed": "caffe_lite embed --weights=examples/siamese/mnist_siamese_iter_50000.caffemodel embedding.png",
    "notebook": "caffe_lite notebook examples/siamese/mnist_siamese.ipynb",
    "script": "caffe_lite script tools/extra/plot_training_log.py.example 6 loss.png train.log",
}
