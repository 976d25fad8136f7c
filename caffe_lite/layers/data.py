"""Data: batches from a LevelDB or LMDB of Datum records."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from caffe_lite import schema
from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.files import locate
from caffe_lite.layers.base import Context, Position
from caffe_lite.layers.prefetching import ItemLoader, Loader, PrefetchingLayer
from caffe_lite.layers.registry import register
from caffe_lite.share import share_of
from caffe_lite.sources.cursor import Cursor, Record
from caffe_lite.sources.database import Database
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)


@register("Data")
class DataLayer(PrefetchingLayer):
    """``top[0]``: (batch_size, channels, height, width) values; ``top[1]``: (batch_size,) labels.

    The database is read round and round in the order of its keys, up to ``data_param { prefetch }`` batches
    ahead of the training. All data of a batch have the shape of its first; batches may differ. With ``rand_skip``
    reading starts after as many records as a random number below it says. Encoded images (JPEG, PNG) are read
    with the channels they have, or as ``force_color``, ``force_gray`` or ``data_param { force_encoded_color }``
    say. In a training of several processes each reads its share. Source: Caffe's ``data_layer.cpp``; ``rand_skip``
    and ``force_encoded_color`` as in its releases before 1.0, which ignores them.

    Raises:
        DataError: the database cannot be opened, or a record not be read; see ``caffe_lite.sources``.
    """

    tops = (1, 2)
    _cursor: Cursor | None = None

    def __init__(self, param: Any, context: Context) -> None:
        super().__init__(param, context)
        data = param.data_param
        for name in ("source", "batch_size", "prefetch"):
            if not getattr(data, name):
                self.fail(ParameterError, f"data_param {{ {name} }} is missing or 0; give one")
        backend = schema.DataParameter.DB.Name(data.backend).lower()
        try:
            self._database = Database(locate(data.source, context.named_by), backend)
        except CaffeError as error:
            self.fail(type(error), str(error))

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        param, transform = self.param.data_param, self.param.transform_param
        cursor = self._cursor = self._database.cursor(self.tolerance.skip)
        if param.rand_skip:
            skip = self.context.rng.rand() % param.rand_skip
            log.info("Skipping first %d data points.", skip)
            for _ in range(skip):
                cursor.next()
        share = share_of(self.context.phase)
        cursor.take_share(share.rank, share.count)
        forced = transform.force_color or transform.force_gray
        color = True if transform.force_color or param.force_encoded_color else False if transform.force_gray else None
        records = _Records(self._database, cursor, color)
        loader = ItemLoader(records, transformer, self.tolerance)
        first = loader.first()
        if forced and not first.encoded:
            log.error("force_color and force_gray only for encoded datum")
        return loader, (param.batch_size, *loader.shape)

    def close(self) -> None:
        super().close()
        if self._cursor is not None:
            self._cursor.close()
        self._database.close()


class _Records:
    """The records of a database, round and round."""

    def __init__(self, database: Database, cursor: Cursor, color: bool | None) -> None:
        self._database, self._cursor, self._color = database, cursor, color

    def peek(self) -> Record:
        return self._cursor.key, self._cursor.value

    def take(self, count: int) -> list[Record]:
        return self._cursor.read(count)

    def items(self, taken: Sequence[Record]) -> Datums:
        return Datums(taken, self._database.source, self._color)

    def next(self) -> None:
        self._cursor.next()

    def position(self) -> Position:
        return self._cursor.position()

    def go_to(self, position: Position) -> None:
        self._cursor.go_to(position)

    def close(self) -> None:
        self._cursor.close()
        self._database.close()
