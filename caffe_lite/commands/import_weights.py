"""``import``: weights from arrays back into a ``.caffemodel``."""

from __future__ import annotations

import logging

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

USAGE = """NET WEIGHTS OUT
Writes the arrays of WEIGHTS, an .npz or .safetensors file as `caffe_lite export` makes it, as OUT, a
.caffemodel or .caffemodel.h5 file. NET, a prototxt file, says which arrays there must be and of what
shapes; nothing is written unless all fit."""
FLAGS = (
    Flag("shapes", "", "Shapes of inputs without the batch, where the net does not say them: "
         "data:3x227x227, several separated by ','."),
    *LIMITS,
)
ENDINGS = (".caffemodel", ".caffemodel.h5")


@limited
def run(call: Call) -> int:
    """Import one file.

    Raises:
        FlagError: not three files, or one of another kind.
        CaffeError: the net or the arrays cannot be read, or do not fit each other.
    """
    if len(call.args) != 3:
        raise usage_error("import", USAGE, call.args)
    model, weights, target = call.args
    if not target.endswith(ENDINGS):
        raise FlagError(f"{target}: weights are written as {' or '.join(ENDINGS)}; give such a name")
    from caffe_lite.commands.export import deployed
    from caffe_lite.export.load import build
    from caffe_lite.export.weights import put_arrays, read_arrays

    arrays = read_arrays(weights)
    net = build(deployed(model, call.flags.shapes), model)
    put_arrays(net, arrays, weights)
    net.save(target, hdf5=target.endswith(".h5"))
    log.info("Wrote %d arrays to %s", len(arrays), target)
    return 0
