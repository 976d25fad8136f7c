"""Each rule of the upgrade from V0, from V1 and within V2, on small nets of our own."""

import copy
import logging

import pytest

from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter, parse_text
from caffe_lite.upgrade import needs_upgrade, upgrade_net


def net(text):
    return parse_text(text, NetParameter)


def upgraded(text):
    """The upgraded net; its input must stay as it was, and itself is current, or at least stays so."""
    old = net(text)
    before = copy.deepcopy(old)
    new = upgrade_net(old, "x.prototxt")
    assert old == before
    assert upgrade_net(new) == new
    return new


def problem(text):
    with pytest.raises(SchemaError) as caught:
        upgrade_net(net(text), "x.prototxt")
    assert str(caught.value).startswith("x.prototxt: ")
    return str(caught.value)


CURRENT = 'name: "n" layer { name: "d" type: "Data" top: "d" transform_param { scale: 2 } }'


def test_a_current_net_stays_as_it_is(caplog):
    current = net(CURRENT)
    with caplog.at_level(logging.INFO):
        assert upgrade_net(current) is current
    assert not needs_upgrade(current)
    assert not caplog.records


# --- V0


def test_v0():
    old = """
        name: "old" input: "x" input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 5 force_backward: true
        layers { layer { name: "c" type: "conv" num_output: 7 biasterm: false kernelsize: 3 stride: 2 pad: 1
          group: 2 weight_filler { type: "xavier" } bias_filler {} blobs_lr: 1 blobs_lr: 2 weight_decay: 0
          blobs { num: 1 data: 5 } } bottom: "x" top: "c" }
        layers { layer { name: "p" type: "pool" pool: AVE kernelsize: 3 stride: 2 } bottom: "c" top: "p" }
        layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 2 beta: 4 k: 8 } bottom: "p" top: "n" }
        layers { layer { name: "o" type: "dropout" dropout_ratio: 0.25 } bottom: "n" top: "n" }
        layers { layer { name: "i" type: "innerproduct" num_output: 9 biasterm: true } bottom: "n" top: "i" }
        layers { layer { name: "j" type: "concat" concat_dim: 0 } bottom: "i" bottom: "i" top: "j" }
    """
    new = """
        name: "old" force_backward: true
        layer { name: "input" type: "Input" top: "x"
          input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } } }
        layer { name: "c" type: "Convolution" bottom: "x" top: "c" blobs { num: 1 data: 5 }
          param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 2 }
          convolution_param { num_output: 7 bias_term: false kernel_size: 3 stride: 2 pad: 1 group: 2
            weight_filler { type: "xavier" } bias_filler {} } }
        layer { name: "p" type: "Pooling" bottom: "c" top: "p"
          pooling_param { pool: AVE kernel_size: 3 stride: 2 } }
        layer { name: "n" type: "LRN" bottom: "p" top: "n"
          lrn_param { local_size: 3 alpha: 2 beta: 4 k: 8 } }
        layer { name: "o" type: "Dropout" bottom: "n" top: "n" dropout_param { dropout_ratio: 0.25 } }
        layer { name: "i" type: "InnerProduct" bottom: "n" top: "i"
          inner_product_param { num_output: 9 bias_term: true } }
        layer { name: "j" type: "Concat" bottom: "i" bottom: "i" top: "j" concat_param { concat_dim: 0 } }
    """
    assert upgraded(old) == net(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            'type: "data" source: "s" batchsize: 3 rand_skip: 2 scale: 5 meanfile: "m" cropsize: 4 mirror: true',
            'type: "Data" data_param { source: "s" batch_size: 3 rand_skip: 2 } '
            'transform_param { scale: 5 mean_file: "m" crop_size: 4 mirror: true }',
        ),
        (
            'type: "images" source: "s" batchsize: 3 rand_skip: 2 shuffle_images: true new_height: 5 '
            "new_width: 6 new_num: 1 new_channels: 3",
            'type: "ImageData" image_data_param { source: "s" batch_size: 3 rand_skip: 2 shuffle: true '
            "new_height: 5 new_width: 6 }",
        ),
        (
            'type: "window_data" source: "s" batchsize: 3 det_fg_threshold: 0.1 det_bg_threshold: 0.2 '
            'det_fg_fraction: 0.3 det_context_pad: 4 det_crop_mode: "square"',
            'type: "WindowData" window_data_param { source: "s" batch_size: 3 fg_threshold: 0.1 '
            'bg_threshold: 0.2 fg_fraction: 0.3 context_pad: 4 crop_mode: "square" }',
        ),
        (
            'type: "hdf5_data" source: "s" batchsize: 3',
            'type: "HDF5Data" hdf5_data_param { source: "s" batch_size: 3 }',
        ),
        (
            'type: "hdf5_output" hdf5_output_param { file_name: "f" }',
            'type: "HDF5Output" hdf5_output_param { file_name: "f" }',
        ),
        ('type: "infogain_loss" source: "s"', 'type: "InfogainLoss" infogain_loss_param { source: "s" }'),
        ('type: "softmax_loss"', 'type: "SoftmaxWithLoss"'),
        ('type: "tanh"', 'type: "TanH"'),
    ],
)
def test_v0_types(old, new):
    assert upgraded(f'layers {{ layer {{ name: "l" {old} }} top: "t" }}') == net(
        f'layer {{ name: "l" top: "t" {new} }}'
    )


def test_v0_padding_goes_into_the_next_layer():
    new = upgraded(
        """
        input: "x" input_dim: 1 input_dim: 1 input_dim: 8 input_dim: 8
        layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }
        layers { layer { name: "c" type: "conv" kernelsize: 5 } bottom: "p" top: "c" }
        layers { layer { name: "q" type: "padding" pad: 3 } bottom: "c" top: "q" }
        layers { layer { name: "m" type: "pool" } bottom: "q" top: "m" }
        """
    )
    assert [(layer.name, list(layer.bottom)) for layer in new.layer[1:]] == [("c", ["x"]), ("m", ["c"])]
    assert list(new.layer[1].convolution_param.pad) == [2]
    assert new.layer[2].pooling_param.pad == 3


V0 = 'layers {{ layer {{ name: "l" {} }} top: "t" }} '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (V0.format('type: "convolution"'), "Layer l: there is no type convolution in V0 nets"),
        (V0.format('type: "relu" num_output: 3'), "Layer l: the type relu has no parameter num_output"),
        (V0.format('type: "pool" group: 2'), "Layer l: the type pool has no parameter group"),
        (V0.format("hdf5_output_param {}"), "has no parameter hdf5_output_param"),
        (V0.format('type: "relu"') + 'layers { name: "v1" type: RELU }', "Layer 1 (v1) is not written"),
        (
            'layers { layer { name: "l" type: "relu" } bottom: "b" top: "t" }',
            "Layer l has the bottom b, which no layer before it makes",
        ),
        (
            V0.format('type: "padding" pad: 1') + 'layers { layer { name: "r" type: "relu" } bottom: "t" top: "r" }',
            "Layer r (relu) reads the padding layer l: only conv and pool can pad",
        ),
    ],
)
def test_v0_problems(text, words):
    assert words in problem(text)


# --- V1


def test_v1():
    old = """
        layers { name: "c" type: CONVOLUTION bottom: "x" top: "y" include { phase: TEST } loss_weight: 3
          blobs_lr: 1 blobs_lr: 2 weight_decay: 4 param: "w" param: "b" param: "z"
          blob_share_mode: PERMISSIVE convolution_param { num_output: 5 } blobs { data: 1 } }
        layers { name: "e" type: EUCLIDEAN_LOSS exclude { stage: "s" } loss_param {} }
        layers { name: "n" }
        layers { type: NONE }
    """
    new = """
        layer { name: "c" type: "Convolution" bottom: "x" top: "y" include { phase: TEST } loss_weight: 3
          param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 4 }
          param { name: "b" lr_mult: 2 } param { name: "z" }
          convolution_param { num_output: 5 } blobs { data: 1 } }
        layer { name: "e" type: "EuclideanLoss" exclude { stage: "s" } loss_param {} }
        layer { name: "n" }
        layer { type: "" }
    """
    assert upgraded(old) == net(new)


def test_every_v1_type_has_a_name():
    types = NetParameter().layers.add().LayerType.keys()
    new = upgraded(" ".join(f"layers {{ type: {name} }}" for name in types))
    folded = [layer.type.lower() for layer in new.layer]
    renamed = {"none": "", "softmaxloss": "softmaxwithloss"}
    assert folded == [renamed.get(name, name) for name in (key.replace("_", "").lower() for key in types)]


def test_both_forms_in_one_net():
    assert "both `layers` (first: a) and `layer` (first: b)" in problem('layers { name: "a" } layer { name: "b" }')


# --- Transformations


@pytest.mark.parametrize(
    ("v1", "v2", "message"),
    [
        ("DATA", "Data", "data_param"),
        ("IMAGE_DATA", "ImageData", "image_data_param"),
        ("WINDOW_DATA", "WindowData", "window_data_param"),
    ],
)
def test_transformations_in_a_data_layer(v1, v2, message):
    fields = 'scale: 0.5 mean_file: "m" crop_size: 4 mirror: true'
    kept = f'{message} {{ source: "s" batch_size: 2 }}'
    expected = net(f'layer {{ type: "{v2}" {kept} transform_param {{ {fields} }} }}')
    assert upgraded(f'layers {{ type: {v1} {message} {{ source: "s" batch_size: 2 {fields} }} }}') == expected
    assert upgraded(f'layer {{ type: "{v2}" {message} {{ source: "s" batch_size: 2 {fields} }} }}') == expected


def test_which_transformation_counts_where_there_are_two():
    both = "data_param { scale: 2 } transform_param { scale: 3 crop_size: 5 }"
    old = upgraded(f"layers {{ type: DATA {both} }} layers {{ type: DATA }}")
    assert old == net(
        'layer { type: "Data" data_param {} transform_param { scale: 2 crop_size: 5 } }'
        'layer { type: "Data" data_param {} transform_param {} }'
    )
    assert upgraded(f'layer {{ type: "Data" {both} }}').layer[0].transform_param.scale == 3


def test_a_scale_elsewhere_is_left_alone():
    current = net('layer { type: "Power" power_param { scale: 2 } data_param { scale: 3 } }')
    assert not needs_upgrade(current)


# --- Inputs


def test_inputs():
    expected = net(
        'name: "n" layer { name: "input" type: "Input" top: "a" top: "b" '
        "input_param { shape { dim: 1 dim: 2 dim: 3 dim: 4 } shape { dim: 5 dim: 6 dim: 7 dim: 8 } } }"
        'layer { name: "l" }'
    )
    dims = " ".join(f"input_dim: {dim}" for dim in range(1, 9))
    shapes = "input_shape { dim: [1, 2, 3, 4] } input_shape { dim: [5, 6, 7, 8] }"
    head = 'name: "n" input: "a" input: "b"'
    assert upgraded(f'{head} {dims} layer {{ name: "l" }}') == expected
    assert upgraded(f'{head} {shapes} layer {{ name: "l" }}') == expected
    assert upgraded(f'{head} {shapes} input_shape {{}} layer {{ name: "l" }}') == expected
    assert upgraded(f'{head} {shapes} input_dim: 9 layer {{ name: "l" }}') == expected


def test_inputs_without_shapes_are_dropped():
    assert upgraded('name: "n" input: "a" layer { name: "l" }') == net('name: "n" layer { name: "l" }')


@pytest.mark.parametrize("shapes", ["input_shape { dim: 1 }", "input_dim: 1 input_dim: 2 input_dim: 3 input_dim: 4"])
def test_too_few_shapes(shapes):
    assert "inputs a, b, and shapes for 1 of them" in problem(f'input: "a" input: "b" {shapes}')


# --- BatchNorm


def test_batch_norm():
    three = 'layer { type: "BatchNorm" param { lr_mult: 1 } param { name: "v" } param {} }'
    rest = 'layer { type: "BatchNorm" param {} } layer { type: "Scale" param {} param {} param {} }'
    zero = "lr_mult: 0 decay_mult: 0"
    assert upgraded(three + rest) == net(
        f'layer {{ type: "BatchNorm" param {{ {zero} }} param {{ name: "v" {zero} }} param {{ {zero} }} }}' + rest
    )


# --- The log


def test_the_log(caplog):
    with caplog.at_level(logging.INFO):
        upgraded('layers { layer { name: "l" type: "data" scale: 2 source: "s" } top: "t" }')
    messages = [(record.levelname, record.message) for record in caplog.records]
    assert messages[:2] + messages[3:] == [
        ("INFO", "Attempting to upgrade input file specified using deprecated V0LayerParameter: x.prototxt"),
        ("INFO", "Successfully upgraded file specified using deprecated V0LayerParameter"),
        ("INFO", "Attempting to upgrade input file specified using deprecated V1LayerParameter: x.prototxt"),
        ("INFO", "Successfully upgraded file specified using deprecated V1LayerParameter"),
    ]
    assert messages[2][0] == "WARNING"
