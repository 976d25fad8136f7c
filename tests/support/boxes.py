"""What SSD's layers compute, in plain Python: the oracle of their tests."""

from __future__ import annotations

import numpy as np


def iou(a, b):
    width, height = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    if width <= 0 or height <= 0:
        return 0.0
    areas = [max(0, c[2] - c[0]) * max(0, c[3] - c[1]) for c in (a, b)]
    return width * height / (sum(areas) - width * height)


def middle(box):
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]), np.array([box[2] - box[0], box[3] - box[1]])


def encode(code, prior, box):
    (center, size), (box_center, box_size) = middle(prior), middle(box)
    if code == "CENTER_SIZE":
        return np.concatenate([(box_center - center) / size, np.log(box_size / size)])
    return (box - prior) / (np.tile(size, 2) if code == "CORNER_SIZE" else 1)


def decode(code, prior, x):
    center, size = middle(prior)
    if code == "CENTER_SIZE":
        new_center, new_size = center + x[:2] * size, size * np.exp(x[2:])
        return np.concatenate([new_center - new_size / 2, new_center + new_size / 2])
    return prior + x * (np.tile(size, 2) if code == "CORNER_SIZE" else 1)


def nms(boxes, order, threshold, eta=1.0, smallest=0.0):
    kept = []
    for i in order:
        if max(0, boxes[i][2] - boxes[i][0]) * max(0, boxes[i][3] - boxes[i][1]) < smallest:
            continue
        if all(iou(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
            if threshold > 0.5:
                threshold *= eta
    return kept


def match(boxes, objects, threshold, every, inside=False):
    """Which object each box answers for, and how much they overlap."""
    table = np.array([[iou(box, o) for o in objects] for box in boxes])
    table[table <= 1e-6] = 0
    result, best = np.full(len(boxes), -1), np.zeros(len(boxes))
    for i, box in enumerate(boxes):
        if inside and (min(box) < 0 or max(box) > 1):
            result[i], table[i] = -2, 0
    best = table.max(axis=1)
    left = list(range(len(objects)))
    while left:
        pairs = [(table[i, j], -i, -j) for i in range(len(boxes)) if result[i] == -1 for j in left if table[i, j] > 0]
        if not pairs:
            break
        common, i, j = max(pairs)
        result[-i], best[-i] = -j, common
        left.remove(-j)
    for i in range(len(boxes)):
        if every and result[i] == -1 and table[i].max() >= threshold and table[i].max() > 0:
            result[i] = table[i].argmax()
    return result, best


def softmax_loss(x, label):
    return np.log(np.exp(x - x.max()).sum()) - (x - x.max())[label]


def logistic_loss(x, target):
    return (np.maximum(x, 0) - x * target + np.log1p(np.exp(-abs(x)))).sum()


def smooth_l1(d):
    d = abs(d)
    return np.where(d < 1, d * d / 2, d - 0.5).sum()


DEFAULTS = {
    "code_type": "CENTER_SIZE", "match_type": "PER_PREDICTION", "overlap_threshold": 0.5, "mining_type": "MAX_NEGATIVE",
    "neg_pos_ratio": 3.0, "neg_overlap": 0.5, "loc_loss_type": "SMOOTH_L1", "conf_loss_type": "SOFTMAX", "loc_weight": 1.0,
    "share_location": True, "use_prior_for_matching": True, "use_difficult_gt": True, "encode_variance_in_target": False,
    "bp_inside": False, "ignore_cross_boundary_bbox": False, "sample_size": 64, "nms": None, "use_prior_for_nms": False,
    "agnostic": False,
}


def multibox_loss(loc, conf, priors, variances, objects, **given):
    """``(localization loss, confidence loss, matches)``; loc is (num, boxes, classes, 4), conf (num, boxes, classes)."""
    p = {**DEFAULTS, **given}
    num, count, classes, _ = loc.shape
    plain = p["encode_variance_in_target"]

    def to_box(x, k):
        return decode(p["code_type"], priors[k], x if plain else x * variances[k])

    total_loc = total_conf = matches = 0
    for n in range(num):
        mine = [o for o in objects if o[0] == n and (p["use_difficult_gt"] or not o[7])]
        boxes, labels = [o[3:7] for o in mine], [1 if p["agnostic"] else int(o[1]) for o in mine]
        decoded = [[to_box(loc[n, k, c], k) for k in range(count)] for c in range(classes)]
        result, best = np.full((classes, count), -1), np.zeros((classes, count))
        if mine:
            for c in range(classes):
                if classes > 1 and c == 0:
                    continue
                source = priors if p["use_prior_for_matching"] else decoded[c]
                of_class = [j for j in range(len(mine)) if classes == 1 or p["use_prior_for_matching"] or labels[j] == c]
                if not of_class:
                    continue
                found, best[c] = match(source, [boxes[j] for j in of_class], p["overlap_threshold"],
                                       p["match_type"] == "PER_PREDICTION", p["ignore_cross_boundary_bbox"])
                result[c] = [of_class[f] if f >= 0 else f for f in found]
                if classes > 1 and p["use_prior_for_matching"]:
                    result[c] = [f if f >= 0 and labels[f] == c else -1 for f in result[c]]
        label = np.zeros(count, int)
        for c, k in np.argwhere(result >= 0):
            label[k] = labels[result[c, k]]

        def conf_loss(k, target, n=n):
            if p["conf_loss_type"] == "SOFTMAX":
                return softmax_loss(conf[n, k], target)
            return logistic_loss(conf[n, k], np.arange(conf.shape[2]) == target)

        def loc_loss(c, k, n=n, result=result, boxes=boxes, decoded=decoded):
            target = encode(p["code_type"], priors[k], boxes[result[c, k]]) / variances[k]
            x = loc[n, k, c] / variances[k] if plain else loc[n, k, c]
            d = x - target
            if p["bp_inside"]:
                side = priors[k] if p["use_prior_for_matching"] else decoded[c][k]
                d = np.where((side < 0) | (side > 1), 0, d)
            return smooth_l1(d) if p["loc_loss_type"] == "SMOOTH_L1" else (d * d).sum() / 2

        counted = range(count)
        if p["mining_type"] != "NONE":
            hard = p["mining_type"] == "HARD_EXAMPLE"
            losses = np.array([conf_loss(k, label[k]) for k in range(count)])
            if hard:
                losses += [loc_loss(0, k) if result[0, k] >= 0 else 0 for k in range(count)]
                candidates, most = list(range(count)), p["sample_size"]
            else:
                candidates = [k for k in range(count) if result[0, k] == -1 and best[0, k] < p["neg_overlap"]]
                most = int((result[0] >= 0).sum() * p["neg_pos_ratio"])
            order = sorted(candidates, key=lambda k: -losses[k])
            if p["nms"]:
                threshold, top = p["nms"]
                order = nms(priors if p["use_prior_for_nms"] else decoded[0], order[:top], threshold, smallest=1e-5)
            picked = set(order[:most]) if mine else set()
            negatives = [k for k in sorted(picked) if result[0, k] == -1]
            if hard:
                result[0] = [-1 if f >= 0 and k not in picked else f for k, f in enumerate(result[0])]
            counted = [k for k in range(count) if result[0, k] >= 0] + negatives
        for k in counted:
            if p["mining_type"] == "NONE" and p["conf_loss_type"] == "LOGISTIC" and not (result[:, k] >= 0).any():
                total_conf += logistic_loss(conf[n, k], np.zeros(conf.shape[2]))
            else:
                total_conf += conf_loss(k, label[k] if (result[:, k] >= 0).any() else 0)
        for c, k in np.argwhere(result >= 0):
            total_loc += loc_loss(c, k)
            matches += 1
    return p["loc_weight"] * total_loc, total_conf, matches
