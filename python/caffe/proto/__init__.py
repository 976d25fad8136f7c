"""The messages of Caffe's schema."""
