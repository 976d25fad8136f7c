"""What is kept on disk of a training: weights and solver states, as Caffe writes them."""

from caffe_lite.snapshot.state import State, read_state, write_state
from caffe_lite.snapshot.weights import apply_weights, net_to_proto, read_weights, write_weights

__all__ = ["State", "apply_weights", "net_to_proto", "read_state", "read_weights", "write_state", "write_weights"]
