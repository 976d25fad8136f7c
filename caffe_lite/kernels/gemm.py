"""Matrix products: the vector code where there is a compiler, else the plain loops."""

from __future__ import annotations

from caffe_lite.kernels.gemm_plain import gemm_dot_plain, gemm_plain

gemm, gemm_dot = gemm_plain, gemm_dot_plain
