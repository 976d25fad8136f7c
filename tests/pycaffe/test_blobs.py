"""Blobs are live arrays."""

import caffe
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pycaffe import inputs, make_net

from caffe_lite.blob import Blob as EngineBlob
from caffe_lite.errors import ShapeError


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_net()


def test_writing_in_place(net):
    view = net.blobs["data"].data
    net.blobs["data"].data[...] = inputs()["data"]
    np.testing.assert_array_equal(view, inputs()["data"])
    view[1, 1, 2, 3] = 99
    assert net.blobs["data"].data[1, 1, 2, 3] == 99
    net.blobs["data"].data.flat = 1
    net.blobs["data"].diff[:] = 2
    assert (view == 1).all()
    assert (net.blobs["data"].diff == 2).all()


@pytest.mark.parametrize("name", ["data", "diff", "shape", "num"])
def test_nothing_else_can_be_assigned(net, name):
    with pytest.raises(AttributeError):
        setattr(net.blobs["data"], name, 3)


@pytest.mark.filterwarnings("ignore:Setting the shape")
def test_another_shape_of_an_array_is_not_the_blobs(net):
    array = net.blobs["data"].data
    array.shape = (3, 40)
    assert net.blobs["data"].data.shape == (3, 2, 5, 4)
    net.forward(**inputs())


@pytest.mark.parametrize(
    ("shape", "sizes"), [((), (1, 1, 1, 1)), ((3,), (3, 1, 1, 1)), ((2, 3, 4), (2, 3, 4, 1)), ((5, 2, 3, 4), (5, 2, 3, 4))]
)
def test_sizes(net, shape, sizes):
    blob = net.blobs["data"]
    blob.reshape(*shape)
    assert (blob.num, blob.channels, blob.height, blob.width) == sizes
    assert (blob.shape, blob.count) == (shape, int(np.prod(shape)))
    assert blob.data.shape == blob.diff.shape == shape


def test_five_axes_have_no_channels(net):
    net.blobs["data"].reshape(1, 2, 3, 4, 5)
    assert not hasattr(net.blobs["data"], "channels")


def test_reshape_takes_sizes_only(net):
    with pytest.raises(TypeError):
        net.blobs["data"].reshape(shape=(1, 2))
    with pytest.raises(ShapeError, match="negative"):
        net.blobs["data"].reshape(2, -1)
    net.blobs["data"].reshape(*np.array([4, 3]))
    assert net.blobs["data"].shape == (4, 3)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=4))
def test_memory_stays_while_it_is_large_enough(shapes):
    blob = caffe._caffe.Blob(EngineBlob((6, 4)))
    whole = blob.data
    whole[...] = np.arange(24).reshape(6, 4)
    for shape in shapes:
        blob.reshape(*shape)
        assert np.array_equal(blob.data.reshape(-1), np.arange(24)[: blob.count])
        assert blob.count == 0 or np.shares_memory(blob.data, whole)


def test_vectors():
    vector = caffe._caffe.BlobVec()
    vector.add_blob(2, 3)
    vector.add_blob()
    assert [blob.shape for blob in vector] == [(2, 3), ()]
    assert vector[-1].data.dtype == np.float32
    assert len(vector[:1]) == 1
    for name in ("BoolVec", "DtypeVec", "IntVec", "LayerVec", "NetVec", "RawBlobVec", "StringVec"):
        assert len(getattr(caffe._caffe, name)()) == 0
