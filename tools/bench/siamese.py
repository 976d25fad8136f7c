"""How fast a training iteration of the siamese tutorial is, measured against the machine's own matrix product.

``python tools/bench/siamese.py [--batch 64] [--iterations 50] [--threads N]`` prints the time of each layer and of a
whole iteration (forward and backward, the data given), the rate of a 2048 x 2048 x 2048 float32 product by numpy, and
``fraction``: the net's rate divided by the product's. Both are the best of several runs, taken in turns, so that other
work on the machine disturbs both alike.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from caffe_lite import schema
from caffe_lite.layers.convolution import ConvolutionLayer
from caffe_lite.layers.inner_product import InnerProductLayer
from caffe_lite.net import Net
from caffe_lite.parallel import set_threads, threads
from caffe_lite.rng import Rng

BRANCH = """
layer {{ name: "conv1{s}" type: "Convolution" bottom: "data{s}" top: "conv1{s}"
  param {{ name: "conv1_w" }} param {{ name: "conv1_b" }}
  convolution_param {{ num_output: 20 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "pool1{s}" type: "Pooling" bottom: "conv1{s}" top: "pool1{s}"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "conv2{s}" type: "Convolution" bottom: "pool1{s}" top: "conv2{s}"
  param {{ name: "conv2_w" }} param {{ name: "conv2_b" }}
  convolution_param {{ num_output: 50 kernel_size: 5 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "pool2{s}" type: "Pooling" bottom: "conv2{s}" top: "pool2{s}"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }} }}
layer {{ name: "ip1{s}" type: "InnerProduct" bottom: "pool2{s}" top: "ip1{s}"
  param {{ name: "ip1_w" }} param {{ name: "ip1_b" }}
  inner_product_param {{ num_output: 500 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu1{s}" type: "ReLU" bottom: "ip1{s}" top: "ip1{s}" }}
layer {{ name: "ip2{s}" type: "InnerProduct" bottom: "ip1{s}" top: "ip2{s}"
  param {{ name: "ip2_w" }} param {{ name: "ip2_b" }}
  inner_product_param {{ num_output: 10 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "feat{s}" type: "InnerProduct" bottom: "ip2{s}" top: "feat{s}"
  param {{ name: "feat_w" }} param {{ name: "feat_b" }}
  inner_product_param {{ num_output: 2 weight_filler {{ type: "xavier" }} }} }}
"""
NET = """
layer {{ name: "pair_data" type: "Input" top: "pair_data" top: "sim"
  input_param {{ shape {{ dim: {batch} dim: 2 dim: 28 dim: 28 }} shape {{ dim: {batch} }} }} }}
layer {{ name: "slice_pair" type: "Slice" bottom: "pair_data" top: "data" top: "data_p" }}
""" + BRANCH.replace("{s}", "") + BRANCH.replace("{s}", "_p") + """
layer {{ name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss" }}
"""
PRODUCT = 2048


def make_net(batch: int) -> Net:
    """The tutorial's training net for ``batch`` pairs of noise."""
    param = schema.parse_text(NET.format(batch=batch), schema.NetParameter)
    param.state.phase = schema.TRAIN
    net = Net(param, rng=Rng(1))
    rng = np.random.default_rng(1)
    net.blobs["pair_data"].data[...] = rng.random(net.blobs["pair_data"].shape)
    net.blobs["sim"].data[...] = rng.integers(0, 2, batch)
    return net


def operations(net: Net) -> int:
    """Multiplications and additions of an iteration: for each product one forward, one for the gradient of the weights
    and one for that of the bottom where it is computed."""
    total = 0
    for i, layer in enumerate(net.layers):
        if isinstance(layer, (ConvolutionLayer, InnerProductLayer)):
            weights = layer.blobs[0]
            places = net.tops[i][0].count // layer.blobs[1].count
            total += 2 * weights.count * places * (2 + net.propagate_down[i][0])
    return total


def best(run: Callable[[], object], times: int) -> float:
    """The least of several times, in seconds."""
    found = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run()
        found = min(found, time.perf_counter() - start)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="times a siamese training iteration")
    parser.add_argument("--batch", type=int, default=64, help="pairs an iteration")
    parser.add_argument("--iterations", type=int, default=50, help="how many to time")
    parser.add_argument("--threads", type=int, help="by default one a core")
    options = parser.parse_args()
    if options.threads:
        set_threads(options.threads)
    start = time.perf_counter()
    net = make_net(options.batch)

    def iterate() -> None:
        net.clear_param_diffs()
        net.forward()
        net.backward()

    iterate()
    first = time.perf_counter() - start
    matrix = np.random.default_rng(2).random((PRODUCT, PRODUCT), dtype=np.float32)
    whole = product = float("inf")
    for _ in range(5):
        whole = min(whole, best(iterate, -(-options.iterations // 5)))
        product = min(product, best(lambda: matrix @ matrix, 2))
    out = sys.stdout
    for i, name in enumerate(net.layer_names):
        forward = best(lambda i=i: net.forward_layer(i), 30)  # type: ignore[misc]
        backward = best(lambda i=i: net.backward_from_to(i, i), 30)  # type: ignore[misc]
        out.write(f"{name:12s} forward {1e3 * forward:7.3f} ms   backward {1e3 * backward:7.3f} ms\n")
    flop = operations(net)
    rate = 2 * PRODUCT**3 / product
    out.write(f"built and compiled or loaded in {first:.2f} s, {threads()} threads\n"
              f"iteration {1e3 * whole:.3f} ms, {flop / 1e9:.3f} GFLOP, {flop / whole / 1e9:.1f} GFLOP/s\n"
              f"product {rate / 1e9:.1f} GFLOP/s\n"
              f"fraction {flop / whole / rate:.3f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
