"""The train net and the test nets that a solver's prototxt asks for.

Source: ``Solver::InitTrainNet`` and ``Solver::InitTestNets`` in Caffe's solver.cpp.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from caffe_lite import schema
from caffe_lite.errors import ParameterError
from caffe_lite.files import locate
from caffe_lite.graph import filter_net
from caffe_lite.net import Net
from caffe_lite.share import share_of
from caffe_lite.upgrade import read_net, upgrade_net

log = logging.getLogger(__name__)
Path = str | os.PathLike[str] | None
BATCH_FIELDS = ("data_param", "image_data_param", "hdf5_data_param", "window_data_param")
TRAIN_FIELDS = ("net", "net_param", "train_net", "train_net_param")


def train_source(param: Any) -> str:
    """Which of ``net``, ``net_param``, ``train_net``, ``train_net_param`` names the net to train.

    Raises:
        ParameterError: none of them is set, or more than one.
    """
    given = [field for field in TRAIN_FIELDS if param.HasField(field)]
    if len(given) != 1:
        raise ParameterError(f"a solver needs exactly one train net, found {len(given)}"
                             f"{f' ({chr(44).join(given)})' if given else ''}: give one of {', '.join(TRAIN_FIELDS)}")
    return given[0]


def test_sources(param: Any) -> list[tuple[str, int]]:
    """For each ``test_iter`` the field that names its net, and the index in it: those of ``test_net_param``, then of
    ``test_net``, then the generic net.

    Raises:
        ParameterError: their counts do not fit.
    """
    sources = [("test_net_param", i) for i in range(len(param.test_net_param))]
    sources += [("test_net", i) for i in range(len(param.test_net))]
    own, wanted = len(sources), len(param.test_iter)
    generic = [field for field in ("net_param", "net") if param.HasField(field)]
    if wanted < own or (wanted > own and not generic):
        raise ParameterError(f"test_iter must be given once for each test net: found {wanted} test_iter and {own} "
                             "test_net")
    sources += [(field, 0) for field in generic[:1]] * (wanted - own)
    if param.test_state and len(param.test_state) != len(sources):
        raise ParameterError(f"test_state must be left out or given once for each test net: found "
                             f"{len(param.test_state)} for {len(sources)}")
    if sources and param.test_interval <= 0:
        raise ParameterError(f"{len(sources)} test net(s) but test_interval is {param.test_interval}: say after how "
                             "many iterations to test")
    return sources


def make_train_net(param: Any, named_by: Path = None) -> Net:
    """The net to train.

    Raises:
        ParameterError: as ``train_source``.
    """
    field = train_source(param)
    if field.endswith("param"):
        log.info("Creating training net specified in %s.", field)
    else:
        log.info("Creating training net from %s file: %s", field, getattr(param, field))
    net, named_by = _read(getattr(param, field), named_by)
    set_state(net, schema.TRAIN, param.train_state)
    share = share_of(schema.TRAIN)
    return Net(divide_batches(net, share.count) if share.divided else net, named_by=named_by)


def make_test_nets(param: Any, named_by: Path = None) -> list[Net]:
    """The nets to test, one for each ``test_iter``.

    Raises:
        ParameterError: as ``test_sources``.
    """
    nets: list[Net] = []
    try:
        for i, (field, index) in enumerate(test_sources(param)):
            value = getattr(param, field) if field in TRAIN_FIELDS else getattr(param, field)[index]
            net, path = _read(value, named_by)
            set_state(net, schema.TEST, param.test_state[i] if param.test_state else None)
            what = field if field.endswith("param") else f"{field} file: {value}"
            log.info("Creating test net (#%d) specified by %s", i, what)
            nets.append(Net(net, named_by=path))
    except BaseException:
        for built in nets:
            built.close()
        raise
    return nets


def divide_batches(net: Any, count: int) -> Any:
    """The net as each of ``count`` processes trains it that together have the batches of its data layers.

    Raises:
        ParameterError: a batch cannot be divided.
    """
    divided = filter_net(net)
    for layer in divided.layer:
        for field in BATCH_FIELDS:
            data = getattr(layer, field)
            if layer.HasField(field) and data.batch_size % count:
                raise ParameterError(f"layer {layer.name!r}: a batch_size of {data.batch_size} cannot be divided among "
                                     f"{count} ranks; give a multiple, or leave out --keep_batch")
            if layer.HasField(field):
                data.batch_size //= count
    return divided


def _read(source: Any, named_by: Path) -> tuple[Any, Path]:
    """A net from a file's name or a message, as a message of its own, and the file that paths in it count from."""
    if isinstance(source, str):
        path = locate(source, named_by)
        return read_net(path), path
    net = schema.NetParameter()
    net.CopyFrom(upgrade_net(source))
    return net, named_by


def set_state(net: Any, phase: int, state: Any) -> None:
    """Weakest first: the solver's phase, what the net says itself, what the solver says."""
    merged = schema.NetState(phase=phase)
    merged.MergeFrom(net.state)
    if state is not None:
        merged.MergeFrom(state)
    net.state.CopyFrom(merged)
