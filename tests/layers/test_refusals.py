"""What layers refuse that no other test asks of them."""

import pytest
from support.layers import input_layers, make_net

from caffe_lite.errors import DataError, GraphError, ParameterError
from caffe_lite.layers import Layer
from caffe_lite.layers.registry import register

BIAS = 'layer { name: "b" type: "Bias" bottom: "x" top: "y" bias_param { axis: 0 num_axes: -1 } }'


def test_accuracy_as_a_loss():
    net = make_net(input_layers(x=(4, 3), t=(4,)) + BIAS
                   + 'layer { name: "a" type: "Accuracy" bottom: "y" bottom: "t" top: "a" loss_weight: 1 }')
    net.forward()
    with pytest.raises(ParameterError, match=r"layer 'a' \(Accuracy\): has no gradient"):
        net.backward()


def test_an_evaluation_as_a_loss():
    net = make_net(input_layers(x=(1, 1, 2, 7), t=(1, 1, 3, 8)) + BIAS + """
        layer { name: "e" type: "DetectionEvaluate" bottom: "y" bottom: "t" top: "e" loss_weight: 1
                detection_evaluate_param { num_classes: 2 overlap_threshold: 0.5 } }""")
    with pytest.raises(GraphError, match=r"layer 'e' \(DetectionEvaluate\): an evaluation has no gradient"):
        net.backward()


def test_an_evaluation_of_no_classes():
    with pytest.raises(ParameterError, match="num_classes must be 1 or more, found 0"):
        make_net(input_layers(x=(1, 1, 2, 7), t=(1, 1, 3, 8))
                 + 'layer { name: "e" type: "DetectionEvaluate" bottom: "x" bottom: "t" top: "e" '
                   "detection_evaluate_param { num_classes: 0 overlap_threshold: 0.5 } }")


def test_another_number_of_axes_to_permute():
    net = make_net(input_layers(x=(2, 3)) + 'layer { name: "p" type: "Permute" bottom: "x" top: "y" permute_param { order: 1 } }')
    net.blobs["x"].reshape((2, 3, 4))
    with pytest.raises(ParameterError, match=r"the order \[1, 0\] was made for 2 axes, bottom 'x' is now of shape \(2, 3, 4\)"):
        net.forward()


def test_a_name_that_is_taken():
    with pytest.raises(GraphError, match=r"two layers are called 'ReLU': caffe_lite.layers.relu and .*test_refusals"):
        register("ReLU")(type("Another", (Layer,), {"__module__": __name__}))


def test_nothing_prefetched():
    with pytest.raises(ParameterError, match=r"layer 'd' \(ImageData\): data_param { prefetch } is 0; give 1 or more"):
        make_net('layer { name: "d" type: "ImageData" top: "x" top: "t" data_param { prefetch: 0 } }')


def test_a_disk_that_is_full(tmp_path, monkeypatch):
    pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")
    net = make_net(input_layers(x=(2, 3), t=(2,)) + 'layer { name: "o" type: "HDF5Output" bottom: "x" bottom: "t" '
                   f'hdf5_output_param {{ file_name: "{tmp_path / "out.h5"}" }} }}')

    def no_space(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(type(net.layers[-1]), "_append", no_space)
    with pytest.raises(DataError, match=r"Failed to write HDF5 file .*out.h5: No space left"):
        net.forward()
    net.close()

