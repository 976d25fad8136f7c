"""Export a net to ONNX, or its weights to arrays."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

USAGE = """NET WEIGHTS OUT
Writes a net, a prototxt file with trained weights, as OUT: an .onnx model, which is compared with
the net in onnxruntime before it is written; or its weights alone, an .npz or .safetensors file.
It is the net of the TEST phase with inputs in place of data and without losses and scores."""
FLAGS = (
    Flag("outputs", "", "The blobs to output, separated by ','; by default what the net outputs."),
    Flag("shapes", "", "Shapes of inputs without the batch, where the net does not say them or to change "
         "them: data:3x227x227, several separated by ','."),
    *LIMITS,
)
ENDINGS = (".onnx", ".npz", ".safetensors")


@limited
def run(call: Call) -> int:
    """Export one net.

    Raises:
        FlagError: not three files, or flags that cannot be understood.
        CaffeError: the net cannot be read, loaded, or go into the format, or does not compute the same there.
    """
    if len(call.args) != 3:
        raise usage_error("export", USAGE, call.args)
    model, weights, target = call.args
    ending = Path(target).suffix
    if ending not in ENDINGS:
        raise FlagError(f"{target}: cannot tell the format from its ending; give one of {', '.join(ENDINGS)}")
    if ending == ".onnx":
        from caffe_lite.optional import need

        need("onnx", "onnx", "exporting to ONNX")
        need("onnxruntime", "onnx", "comparing the model with the net")
    message = deployed(model, call.flags.shapes, call.flags.outputs)
    if ending == ".onnx":
        _export_model(message, weights, target, _split(call.flags.outputs), model)
    else:
        from caffe_lite.export.load import load
        from caffe_lite.export.weights import arrays_of, write_arrays

        arrays = arrays_of(load(message, weights, model))
        write_arrays(target, arrays)
        log.info("Wrote %d arrays to %s", len(arrays), target)
    return 0


def deployed(model: str, shapes: str, outputs: str = "") -> Any:
    """The message of the net as it is exported, as the flags want it."""
    from caffe_lite.export.deploy import deploy
    from caffe_lite.upgrade import read_net

    return deploy(read_net(model), parse_shapes(shapes), _split(outputs), model)


def parse_shapes(text: str) -> dict[str, tuple[int, ...]]:
    """``data:3x227x227,label:`` as shapes by blob; a blob's name may hold a ``:`` itself.

    Raises:
        FlagError: anything else.
    """
    shapes = {}
    for word in _split(text):
        name, colon, sizes = word.rpartition(":")
        numbers = sizes.split("x") if sizes else []
        if not colon or not name or not all(number.isdecimal() for number in numbers):
            raise FlagError(f"--shapes: cannot understand {word!r}; write it as data:3x227x227")
        shapes[name] = tuple(map(int, numbers))
    return shapes


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _export_model(message: Any, weights: str, target: str, outputs: list[str], named_by: str) -> None:
    from caffe_lite.export.deploy import check_types
    from caffe_lite.export.load import load_batches
    from caffe_lite.export.model import to_onnx
    from caffe_lite.export.registry import exported_types
    from caffe_lite.export.sources import batch_of
    from caffe_lite.export.verify import compare
    from caffe_lite.files import atomic_write

    check_types(message, exported_types())
    nets = load_batches(message, weights, named_by)
    outputs = outputs or nets[0].outputs
    model = to_onnx(nets, outputs)
    data = model.SerializeToString()
    worst = compare(data, nets, outputs)
    with atomic_write(target) as file:
        file.write(data)
    graph = model.graph
    log.info("Inputs: %s; outputs: %s; batch: %s", ", ".join(value.name for value in graph.input), ", ".join(outputs),
             "any" if len(nets) > 1 else batch_of(message))
    log.info("Largest difference from onnxruntime, of the largest value: %s",
             ", ".join(f"{name} {value:.2g}" for name, value in worst.items()))
    log.info("Wrote %s: %d nodes, %.3g MB", target, len(graph.node), len(data) / 1e6)
