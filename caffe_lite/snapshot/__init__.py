"""What is kept on disk of a training: weights and solver states, as Caffe writes them."""

from caffe_lite.snapshot.state import State, read_state, state_to_bytes
from caffe_lite.snapshot.weights import apply_weights, net_to_proto, read_weights

__all__ = ["State", "apply_weights", "net_to_proto", "read_state", "read_weights", "state_to_bytes"]
