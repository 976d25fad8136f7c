"""Caffe's own nets at a small batch, without their data."""

from __future__ import annotations

from pathlib import Path

from caffe_lite import schema
from caffe_lite.graph import filter_net
from caffe_lite.upgrade import read_net

FOLDER = Path(__file__).parents[3] / "shared/reference/prototxt/v2"
DATA = ("Data", "ImageData", "WindowData", "HDF5Data")
IMAGES = {"siamese": (2, 28, 28), "mnist": (1, 28, 28), "cifar10": (3, 32, 32),
          "hdf5": (4,)}  # what their databases hold, where no crop_size says it


def zoo_net(name, phase, batch):
    """The net ``NAME.prototxt`` for a phase, each data layer replaced by an Input, ``batch`` items at once."""
    net = read_net(FOLDER / f"{name}.prototxt")
    net.state.phase = phase
    if "autoencoder" in name:
        net.state.stage.append("test-on-test")
    net = filter_net(net)
    for layer in net.layer:
        if layer.type in DATA:
            crop = layer.transform_param.crop_size
            shape = (3, crop, crop) if crop else next(s for key, s in IMAGES.items() if key in name)
            tops = list(layer.top)
            layer.CopyFrom(schema.LayerParameter(name=layer.name, type="Input", top=tops))
            for i in range(len(tops)):
                layer.input_param.shape.add().dim.extend((batch, *(shape if i == 0 else ())))
        elif layer.type == "Input":
            for shape in layer.input_param.shape:
                shape.dim[0] = batch
    return net
