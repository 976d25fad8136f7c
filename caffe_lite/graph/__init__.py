"""From a net as written to a net as built: message to message, without arrays."""

from caffe_lite.graph.phases import filter_net, meets_rule
from caffe_lite.graph.splits import insert_splits

__all__ = ["filter_net", "insert_splits", "meets_rule"]
