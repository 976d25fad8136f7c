"""Matrix products: the vector code where there is a compiler, else the plain loops."""

from __future__ import annotations

from caffe_lite.kernels.gemm_plain import gemm_dot_plain, gemm_plain
from caffe_lite.kernels.gemm_vector import gemm_dot_vector, gemm_vector
from caffe_lite.kernels.vector import COMPILED

gemm = gemm_vector if COMPILED else gemm_plain
gemm_dot = gemm_dot_vector if COMPILED else gemm_dot_plain
