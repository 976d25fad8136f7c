"""What the layers have in common that read batches ahead of the training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from caffe_lite.aligned import zeros
from caffe_lite.blob import Array, Blob
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError, SnapshotError
from caffe_lite.layers.base import Context, Layer, Position
from caffe_lite.limits import current
from caffe_lite.parallel import spare_core
from caffe_lite.share import share_of
from caffe_lite.sources.items import Items
from caffe_lite.sources.prefetch import Prefetcher
from caffe_lite.sources.tolerance import Skipped, Tolerance
from caffe_lite.sources.transformer import Transformer

log = logging.getLogger(__name__)
Entry = TypeVar("Entry", bound=tuple[Any, Any])  # an image that is not decoded yet, its key or name first
Decoded = TypeVar("Decoded", bound=Items, covariant=True)
SSD_FIELDS = ("distort_param", "expand_param", "resize_param", "noise_param", "crop_h", "crop_w", "emit_constraint")


@dataclass
class Batch:
    """What goes to the tops, the loader's position after it, and the bad records it had left out until then."""

    data: Array
    label: Array
    position: Position = field(default_factory=dict)
    skipped: Skipped = field(default_factory=Skipped)
    _flat: tuple[Array, Array, list[Array]] | None = None

    def flat(self) -> list[Array]:
        """Both as flat arrays, which are the same objects as long as the batch has the same memory."""
        if self._flat is None or self._flat[0] is not self.data or self._flat[1] is not self.label:
            self._flat = self.data, self.label, [self.data.reshape(-1), self.label.reshape(-1)]
        return self._flat[2]


class Loader(Protocol):
    """What the prefetching thread does; it must not know the layer, which may be dropped meanwhile."""

    def load(self, batch: Batch) -> None:
        """Fill a batch, giving ``data`` another shape where it needs one."""

    def position(self) -> Position:
        """What the next batches depend on."""

    def go_to(self, position: Position) -> None:
        """Go on from there; ``SnapshotError`` if it does not fit, the loader being anywhere then."""

    def close(self) -> None: ...


class PrefetchingLayer(Layer):
    """``top[0]``: (batch_size, channels, height, width) values; ``top[1]``: (batch_size,) labels.

    Where there is a core for it a thread makes batches, up to ``data_param { prefetch }`` of them ahead of the training
    (``sources/prefetch.py``). A subclass says in ``start`` where they come from. Source: Caffe's
    ``base_data_layer.cpp``.
    """

    bottoms = (0, 0)
    tops = (2, 2)
    annotated = False  # whether it does what SSD added to transform_param
    _prefetcher: Prefetcher[Batch] | None = None

    def __init__(self, param: Any, context: Context) -> None:
        super().__init__(param, context)
        self.tolerance = Tolerance(current().bad_records, f"layer {self.name!r} ({self.type})")

    def start(self, transformer: Transformer) -> tuple[Loader, tuple[int, ...]]:
        """The loader, and the shape of its first batch; errors need not name the layer."""
        raise NotImplementedError

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        context, prefetch = self.context, self.param.data_param.prefetch
        share = share_of(context.phase)
        try:
            if not prefetch:
                raise ParameterError("data_param { prefetch } is 0; give 1 or more")
            given = [name for name in SSD_FIELDS if self.param.transform_param.HasField(name)]
            if given and not self.annotated:
                raise ParameterError(f"transform_param {{ {' '.join(given)} }} is for AnnotatedData layers only")
            transformer = Transformer(self.param.transform_param, context.phase, context.dtype, context.named_by)
            transformer.init_rand(context.rng, share.rank)
            loader, shape = self.start(transformer)
        except CaffeError as error:
            self.fail(type(error), str(error))
        log.info("output data size: %d,%d,%d,%d", *shape)
        for blob, sizes in zip(top, (shape, shape[:1]), strict=False):
            blob.reshape(sizes)
        if context.dry:
            loader.close()
            return
        transformer.init_rand(context.rng, share.rank)  # once more, as Caffe does before it starts the thread
        context.rng.rand()  # the thread's own seed in Caffe; nobody draws from it, but the stream goes on
        self.tolerance.tell()
        self.reserve(self, (prefetch - 1) * prod(shape) * np.dtype(context.dtype).itemsize)
        batches = [
            Batch(zeros(prod(shape), context.dtype).reshape(shape), np.zeros(shape[:1], context.dtype))
            for _ in range(prefetch)
        ]
        where = f"layer {self.name!r} ({self.type})"
        self._loader, self._position, self._skipped = loader, loader.position(), self.tolerance.skipped
        self._prefetcher = Prefetcher(batches, _Named(where, loader, self.tolerance).load, loader.close,
                                      spare=spare_core(share.count))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: ``forward`` gives the tops the shape of the batch."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        assert self._prefetcher is not None, "setup comes first"
        try:
            batch = self._prefetcher.next()
        except CaffeError:
            self.tolerance.tell()
            raise
        except KeyboardInterrupt:  # who goes on, as in a notebook, must not miss the records that were read already
            self.go_to(self.position())
            raise
        self.tolerance.tell(batch.skipped)
        self._position, self._skipped = batch.position, batch.skipped
        for blob, array, flat in zip(top, (batch.data, batch.label), batch.flat(), strict=False):
            blob.reshape(array.shape)
            blob.adopt(flat)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""

    def position(self) -> Position:
        """The loader's after the last batch that was used, and the bad records left out until then; what was made ahead
        does not count."""
        bad = self.tolerance.position(self._skipped)
        return {**self._position, "bad": bad} if bad else self._position

    def go_to(self, position: Position) -> None:
        assert self._prefetcher is not None, "setup comes first"
        before = self.position()
        try:
            self._prefetcher.restart(lambda: self._go_to(position))
        except Exception as error:
            self._go_to(before)
            if isinstance(error, CaffeError):
                self.fail(SnapshotError, str(error))
            raise
        self._position, self._skipped = position, self.tolerance.skipped

    def _go_to(self, position: Position) -> None:
        self.tolerance.go_to(position.get("bad", {}))
        self._loader.go_to(position)

    def close(self) -> None:
        if self._prefetcher is not None:
            self._prefetcher.close()
        self.tolerance.tell_total()


class ItemSource(Protocol[Entry, Decoded]):
    """Where images come from, round and round."""

    def peek(self) -> Entry:
        """The next image, not decoded yet; its name comes first."""

    def next(self) -> None:
        """Leave it out."""

    def take(self, count: int) -> list[Entry]:
        """The next ``count`` images, not decoded yet."""

    def items(self, taken: Sequence[Entry]) -> Decoded:
        """Those images."""

    def position(self) -> Position:
        """Where the next image is."""

    def go_to(self, position: Position) -> None:
        """Go on from there."""

    def close(self) -> None: ...


class ItemLoader(Generic[Entry, Decoded]):
    """Fills batches with transformed images, all of the shape that the first of the batch has; where bad ones may be
    left out, of the shape that the very first good one has.

    Attributes:
        shape: of that, (channels, height, width), once ``first`` was called.
    """

    shape: tuple[int, int, int]

    def __init__(self, source: ItemSource[Entry, Decoded], transformer: Transformer, tolerance: Tolerance) -> None:
        self._source, self._transformer, self._tolerance = source, transformer, tolerance

    def first(self) -> Decoded:
        """The image that comes next, which stays the next one."""
        while True:
            entry = self._source.peek()
            try:
                items = self._source.items([entry])
                self.shape = self._transformer.output_shape(items)
                return items
            except (DataError, ShapeError) as error:
                self._tolerance.skip(error, entry[0])
                self._source.next()

    def load(self, batch: Batch) -> None:
        items = self._items(len(batch.label))
        shape = (len(batch.label), *self._transformer.output_shape(items))
        if batch.data.shape != shape:
            batch.data = zeros(prod(shape), batch.data.dtype).reshape(shape)
        self._transformer(items, batch.data)
        batch.label[:] = items.labels

    def _items(self, count: int) -> Items:
        """The next images, the bad ones left out that may be."""
        taken = self._source.take(count)
        while True:
            try:
                items = self._source.items(taken)
                if self._tolerance.most:
                    self._transformer.check(items, self.shape, "the first good one")
                    self._tolerance.good()
                return items
            except (DataError, ShapeError) as error:
                if not self._tolerance.most:
                    raise
                good = [entry for entry in taken if self._is_good(entry)]
                if len(good) == count:
                    raise error
                taken = good + self._source.take(count - len(good))

    def _is_good(self, entry: Entry) -> bool:
        try:
            self._transformer.check(self._source.items([entry]), self.shape, "the first good one")
        except (DataError, ShapeError) as error:
            self._tolerance.skip(error, entry[0])
            return False
        return True

    def position(self) -> Position:
        return {"source": self._source.position(), "transform": self._transformer.position()}

    def go_to(self, position: Position) -> None:
        self._transformer.go_to(position["transform"])
        self._source.go_to(position["source"])

    def close(self) -> None:
        self._source.close()


class _Named:
    """A loader whose errors name the layer."""

    def __init__(self, where: str, loader: Loader, tolerance: Tolerance) -> None:
        self._where, self._loader, self._tolerance = where, loader, tolerance

    def load(self, batch: Batch) -> None:
        try:
            self._loader.load(batch)
            batch.position = self._loader.position()
            batch.skipped = self._tolerance.skipped
        except CaffeError as error:
            raise type(error)(f"{self._where}: {error}") from None
