"""Boxes as rows of xmin, ymin, xmax and ymax: how they overlap, what predictions say of them, who answers for whom.

Objects are rows of boxes too; those of image n are the rows ``starts[n]`` to ``starts[n + 1]``. A match is the row of
an object, -1 for none, -2 for a box that does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any

CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3  # PriorBoxParameter.CodeType
NOTHING = 1e-6  # what overlaps by no more does not overlap
ANY = -1  # as a label: objects of all classes


@njit(cache=True, nogil=True)
def area(box: Array) -> Any:
    """0 for a box that ends before it begins."""
    if box[2] < box[0] or box[3] < box[1]:
        return box.dtype.type(0)
    return (box[2] - box[0]) * (box[3] - box[1])


@njit(cache=True, nogil=True)
def overlap(a: Array, b: Array) -> Any:
    """Intersection / union."""
    zero = a.dtype.type(0)
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return zero
    both = width * height
    return both / (area(a) + area(b) - both)


@njit(cache=True, nogil=True)
def first_empty(boxes: Array) -> int:
    """The first box without width or height, or -1."""
    for i in range(len(boxes)):
        if not (boxes[i, 2] > boxes[i, 0] and boxes[i, 3] > boxes[i, 1]):
            return i
    return -1


@njit(cache=True, nogil=True)
def decode_box(code: int, prior: Array, variance: Array, plain: bool, x: Array, out: Array) -> None:
    """The box that the prediction ``x`` means. ``plain``: it is not divided by the variances."""
    one, half = x.dtype.type(1), x.dtype.type(0.5)
    a, b = x[0] * (one if plain else variance[0]), x[1] * (one if plain else variance[1])
    c, d = x[2] * (one if plain else variance[2]), x[3] * (one if plain else variance[3])
    width, height = prior[2] - prior[0], prior[3] - prior[1]
    if code == CORNER:
        out[0], out[1], out[2], out[3] = prior[0] + a, prior[1] + b, prior[2] + c, prior[3] + d
    elif code == CORNER_SIZE:
        out[0], out[1] = prior[0] + a * width, prior[1] + b * height
        out[2], out[3] = prior[2] + c * width, prior[3] + d * height
    else:
        x_center, y_center = a * width + (prior[0] + prior[2]) * half, b * height + (prior[1] + prior[3]) * half
        half_width, half_height = np.exp(c) * width * half, np.exp(d) * height * half
        out[0], out[1] = x_center - half_width, y_center - half_height
        out[2], out[3] = x_center + half_width, y_center + half_height


@njit(cache=True, nogil=True, error_model="numpy")
def encode_box(code: int, prior: Array, variance: Array, plain: bool, box: Array, out: Array) -> None:
    """The prediction that means ``box``: the inverse of ``decode_box``."""
    half = box.dtype.type(0.5)
    width, height = prior[2] - prior[0], prior[3] - prior[1]
    if code == CENTER_SIZE:
        out[0] = ((box[0] + box[2]) * half - (prior[0] + prior[2]) * half) / width
        out[1] = ((box[1] + box[3]) * half - (prior[1] + prior[3]) * half) / height
        out[2], out[3] = np.log((box[2] - box[0]) / width), np.log((box[3] - box[1]) / height)
    else:
        for k in range(4):
            out[k] = box[k] - prior[k]
        if code == CORNER_SIZE:
            out[0], out[1], out[2], out[3] = out[0] / width, out[1] / height, out[2] / width, out[3] / height
    if not plain:
        for k in range(4):
            out[k] /= variance[k]


@njit(cache=True, nogil=True)
def decode_all(begin: int, end: int, code: int, priors: Array, variances: Array, plain: bool, skip: int, x: Array,
               out: Array) -> None:
    """``out[n, c, p]``: the boxes of the predictions ``x[n, p, c]``; class ``skip`` is left out. The outer loop counts
    n and c together."""
    classes = out.shape[1]
    for row in range(begin, end):
        n, c = row // classes, row % classes
        if c != skip:
            for p in range(len(priors)):
                decode_box(code, priors[p], variances[p], plain, x[n, p, c], out[n, c, p])


@njit(cache=True, nogil=True)
def suppress(boxes: Array, order: Array, threshold: float, eta: float, smallest: float, most: int, kept: Array) -> int:
    """Non-maximum suppression: of the boxes in this order each is kept that overlaps no kept one by more than
    ``threshold``, which, as long as it is above 0.5, ``eta`` shrinks each time.

    Boxes of an area below ``smallest`` are dropped; when ``most`` are kept, it ends. Returns how many are in ``kept``.
    """
    count = 0
    for i in range(len(order)):
        candidate = order[i]
        good = area(boxes[candidate]) >= smallest
        k = 0
        while good and k < count:
            good = overlap(boxes[candidate], boxes[kept[k]]) <= threshold
            k += 1
        if good:
            kept[count] = candidate
            count += 1
            if count >= most:
                break
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return count


@njit(cache=True, nogil=True)
def _match(boxes: Array, objects: Array, labels: Array, first: int, last: int, label: int, threshold: float,
           every: bool, inside: bool, taken: Array, overlaps: Array, match: Array, best: Array) -> None:
    """Match ``boxes`` with the objects ``first`` to ``last`` of a label; see ``match_images``."""
    count, zero = last - first, boxes.dtype.type(0)
    for i in range(len(boxes)):
        match[i], best[i] = -1, zero
        for k in range(4):
            if inside and not 0 <= boxes[i, k] <= 1:
                match[i] = -2
        for j in range(count):
            known = match[i] == -1 and (label == ANY or labels[first + j] == label)
            common = overlap(boxes[i], objects[first + j]) if known else zero
            overlaps[i * count + j] = common if common > NOTHING else zero
            best[i] = max(best[i], overlaps[i * count + j])
    taken[first:last] = False
    for _ in range(count):
        most, box, winner = zero, -1, -1
        for i in range(len(boxes)):
            if match[i] == -1 and best[i] > most:
                for j in range(count):
                    if overlaps[i * count + j] > most and not taken[first + j]:
                        most, box, winner = overlaps[i * count + j], i, first + j
        if box < 0:
            break
        match[box], best[box], taken[winner] = winner, most, True
    for i in range(len(boxes)):
        if every and match[i] == -1:
            most = zero
            for j in range(count):
                common = overlaps[i * count + j]
                if common >= threshold and common > most:
                    match[i], best[i], most = first + j, common, common


@njit(cache=True, nogil=True)
def match_images(begin: int, end: int, boxes: Array, objects: Array, labels: Array, starts: Array, prior: bool,
                 shared: bool, background: int, threshold: float, every: bool, inside: bool, taken: Array,
                 overlaps: Array, match: Array, best: Array) -> None:
    """``match[n, c, p]``: the object for which box p of class c answers; ``best``: how much they overlap, or for boxes
    without one the largest overlap with any.

    Each object takes the free box that it overlaps most, the pair of the largest overlap first. Then, with ``every``,
    each free box takes the object it overlaps most, by ``threshold`` at least. With ``inside``, boxes that reach out of
    the image do not count. The outer loop counts images.

    Args:
        boxes: ``(1, 1, boxes, 4)`` with ``prior``, else ``(images, classes, boxes, 4)``.
        shared: there is one class, of all objects; otherwise a box of a class takes objects of it only.
        taken, overlaps: room for a flag for each object, and for each box one number for each object of an image.
    """
    classes = match.shape[1]
    for n in range(begin, end):
        first, last = starts[n], starts[n + 1]
        match[n], best[n] = -1, 0
        if first == last:
            continue
        if prior:
            _match(boxes[0, 0], objects, labels, first, last, ANY, threshold, every, inside, taken, overlaps,
                   match[n, 0], best[n, 0])
            for c in range(classes - 1, -1, -1):
                for p in range(match.shape[2]):
                    winner = match[n, 0, p]
                    if not shared and (c == background or winner < 0 or labels[winner] != c):
                        winner = -1
                    match[n, c, p], best[n, c, p] = winner, best[n, 0, p]
        else:
            for c in range(classes):
                if shared or c != background:
                    _match(boxes[n, c], objects, labels, first, last, ANY if shared else c, threshold, every, inside,
                           taken, overlaps, match[n, c], best[n, c])


@njit(cache=True, nogil=True, error_model="numpy")
def encode_matches(begin: int, end: int, code: int, priors: Array, variances: Array, plain: bool, bounded: bool,
                   boxes: Array, prior: bool, objects: Array, rows: Array, x: Array, prediction: Array,
                   target: Array) -> None:
    """What a prediction says and what it should: ``rows`` are image, class, box and object of each match, ``x`` is
    ``(images, boxes, classes, 4)``.

    With ``plain`` both are divided by the variances here. With ``bounded``, a side of the box (out of ``boxes``, as in
    ``match_images``) that is outside of the image is as it should be.
    """
    for r in range(begin, end):
        n, c, p, winner = rows[0, r], rows[1, r], rows[2, r], rows[3, r]
        encode_box(code, priors[p], variances[p], plain, objects[winner], target[r])
        for k in range(4):
            side = boxes[0, 0, p, k] if prior else boxes[n, c, p, k]
            prediction[r, k] = target[r, k] if bounded and not 0 <= side <= 1 else x[n, p, c, k]
            if plain:
                prediction[r, k] /= variances[p, k]
                target[r, k] /= variances[p, k]


@njit(cache=True, nogil=True)
def confidence_losses(begin: int, end: int, x: Array, label: Array, logistic: bool, smallest: float,
                      losses: Array) -> None:
    """``losses[i]``: ``-log max(softmax(x[i])[label[i]], smallest)``, or the sum of all classes' logistic losses."""
    one, zero = x.dtype.type(1), x.dtype.type(0)
    for i in range(begin, end):
        loss, most = zero, x[i, 0]
        if logistic:
            for c in range(x.shape[1]):
                v = x[i, c]
                loss += max(v, zero) - (v if c == label[i] else zero) + np.log(one + np.exp(-abs(v)))
        else:
            for c in range(1, x.shape[1]):
                most = max(most, x[i, c])
            total = zero
            for c in range(x.shape[1]):
                total += np.exp(x[i, c] - most)
            loss = -np.log(max(np.exp(x[i, label[i]] - most) / total, smallest))
        losses[i] = loss
