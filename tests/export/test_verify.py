"""What the comparison sees, and with which inputs."""

import sys

import numpy as np
import pytest
from support.export import message_of, nets_of
from support.layers import input_layers

from caffe_lite.errors import DependencyError, ExportError
from caffe_lite.export.model import to_onnx
from caffe_lite.export.samples import draw_inputs
from caffe_lite.export.verify import compare, difference

NET = input_layers(x=(2, 5)) + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }'


@pytest.mark.parametrize(("change", "words"), [(1.001, "y differs by .* of its largest value"), (np.nan, "y differs by inf")])
def test_other_weights_are_seen(change, words):
    nets = nets_of(message_of(NET))
    model = to_onnx(nets).SerializeToString()
    compare(model, nets, ["y"])
    nets[0].params.learnable[0].blob.data[1, 2] *= change
    with pytest.raises(ExportError, match=words):
        compare(model, nets, ["y"])


def test_a_model_that_onnxruntime_cannot_read():
    with pytest.raises(ExportError, match="onnxruntime cannot read the model"):
        compare(b"nonsense", [], [])


def test_a_model_that_onnxruntime_cannot_run():
    nets = nets_of(message_of(NET))
    model = to_onnx(nets[:1])
    with pytest.raises(ExportError, match="onnxruntime cannot run the model"):
        compare(model.SerializeToString(), nets, ["y"])


@pytest.mark.parametrize(("a", "b", "apart"), [
    ([1.0, 4.0], [1.0, 4.4], 0.1),
    ([0.0, 0.0], [0.0, 0.5], 0.5),
    ([1.0, np.nan], [1.0, np.nan], 0),
    ([1.0, np.inf], [1.0, np.inf], 0),
    ([1.0, np.inf], [1.0, -np.inf], np.inf),
    ([1.0, np.nan], [1.0, np.inf], np.inf),
    ([1.0, np.nan], [1.0, 2.0], np.inf),
    ([1.0, 2.0], [[1.0, 2.0]], np.inf),
    ([], [], 0),
])
def test_difference(a, b, apart):
    assert difference(np.array(a), np.array(b)) == pytest.approx(apart)


def test_layers_get_inputs_that_they_take():
    net = nets_of(message_of(input_layers(x=(4, 3, 9, 11), i=(4,), w=(4, 1), r=(4, 5), n=(4, 2)) + """
    layer { name: "f" type: "Flatten" bottom: "w" top: "words" flatten_param { axis: 0 } }
    layer { name: "e" type: "Embed" bottom: "words" top: "e" embed_param { input_dim: 3 num_output: 2 } }
    layer { name: "b" type: "BatchReindex" bottom: "x" bottom: "i" top: "b" }
    layer { name: "r" type: "ROIPooling" bottom: "x" bottom: "r" top: "p" roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.25 } }
    layer { name: "t" type: "TanH" bottom: "n" top: "t" }
    """), (4,))[0]
    drawn = draw_inputs(net, np.random.default_rng(0))
    assert set(drawn["w"].ravel()) <= {0, 1, 2}
    assert set(drawn["i"]) <= {0, 1, 2, 3}
    image, x1, y1, x2, y2 = drawn["r"].T
    assert set(image) <= {0, 1, 2, 3}
    assert ((x1 >= 0) & (x1 <= x2) & (x2 <= 44) & (y1 <= y2) & (y2 <= 36)).all()
    assert (drawn["n"] % 1 != 0).all()
    net.forward()


@pytest.mark.parametrize("module", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(monkeypatch, module):
    nets = nets_of(message_of(NET))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DependencyError, match=rf"needs {module}, .* pip install 'caffe_lite\[onnx\]'"):
        compare(to_onnx(nets).SerializeToString(), nets, ["y"])
