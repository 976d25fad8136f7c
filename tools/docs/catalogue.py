"""Which layers stand on which page of the catalogue, and what cannot be read off their classes."""

from __future__ import annotations

from typing import NamedTuple

from caffe_lite.schema import LayerParameter


class Page(NamedTuple):
    """A page of docs/layers/."""

    name: str
    title: str
    about: str
    layers: tuple[str, ...]


PAGES = (
    Page("data", "Data layers", "Where a batch comes from, and where results go.", (
        "Input", "Data", "ImageData", "HDF5Data", "MemoryData", "DummyData", "WindowData", "AnnotatedData",
        "HDF5Output")),
    Page("convolution", "Convolution and pooling", "Layers that look at images through windows, or resize them.", (
        "Convolution", "Deconvolution", "DepthwiseConvolution", "ConvolutionDepthwise", "Im2col", "Pooling", "SPP",
        "ROIPooling", "Upsample", "Interp", "Crop")),
    Page("products", "Products, tables and recurrent layers", "Layers of matrix products.", (
        "InnerProduct", "Embed", "LSTM", "RNN", "LSTMUnit", "Parameter")),
    Page("activations", "Activations", "Layers that do the same with each number.", (
        "ReLU", "PReLU", "ELU", "ReLU6", "Sigmoid", "TanH", "Swish", "BNLL", "AbsVal", "Power", "Exp", "Log", "Clip",
        "Threshold", "Dropout")),
    Page("normalization", "Normalization, scale and bias", "Layers that bring numbers to one scale.", (
        "BatchNorm", "BN", "LRN", "MVN", "Normalize", "Scale", "Bias", "Axpy")),
    Page("arranging", "Joining, cutting and choosing", "Layers that move numbers, or sum them up.", (
        "Concat", "Slice", "Split", "Eltwise", "Flatten", "Reshape", "Permute", "Tile", "ShuffleChannel",
        "Reduction", "ArgMax", "Softmax", "BatchReindex", "Filter", "Silence", "Python")),
    Page("losses", "Losses and scores", "What a net is trained with, and how good it is.", (
        "SoftmaxWithLoss", "SigmoidCrossEntropyLoss", "MultinomialLogisticLoss", "InfogainLoss", "HingeLoss",
        "EuclideanLoss", "ContrastiveLoss", "SmoothL1Loss", "Accuracy")),
    Page("detection", "Detection", "SSD's layers, from boxes to objects.", (
        "PriorBox", "MultiBoxLoss", "DetectionOutput", "DetectionEvaluate")),
)

NO_GRADIENT = frozenset((*PAGES[0].layers, "Accuracy", "ArgMax", "Threshold", "PriorBox", "DetectionOutput",
                         "DetectionEvaluate", "Silence"))
"""Layers after which no gradient comes back, or nothing but zeros."""

COMMON = ("transform_param", "loss_param")
"""Described once, for all layers that have them."""

_FIELDS = {
    "Deconvolution": "convolution_param",
    "DepthwiseConvolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "Im2col": "convolution_param",
    "LSTM": "recurrent_param",
    "RNN": "recurrent_param",
    "Normalize": "norm_param",
    "SoftmaxWithLoss": "softmax_param loss_param",
    "SigmoidCrossEntropyLoss": "loss_param",
    "InfogainLoss": "infogain_loss_param loss_param",
    "MultiBoxLoss": "multibox_loss_param loss_param",
    "Data": "data_param transform_param",
    "ImageData": "image_data_param transform_param",
    "WindowData": "window_data_param transform_param",
    "MemoryData": "memory_data_param transform_param",
    "AnnotatedData": "annotated_data_param data_param transform_param",
}


def fields_of(layer: str) -> list[str]:
    """The fields of ``LayerParameter`` that a layer type reads its parameters from."""
    if layer in _FIELDS:
        return _FIELDS[layer].split()
    names = [field.name for field in LayerParameter.DESCRIPTOR.fields if field.name.endswith("_param")]
    return [name for name in names if name.replace("_", "").removesuffix("param") == layer.lower()]


def page_of(layer: str) -> str:
    """The name of the page that a layer is on."""
    return next(page.name for page in PAGES if layer in page.layers)
