"""Matrix products: the vector code where there is a compiler, else the plain loops."""

from __future__ import annotations

from numba import config

if config.DISABLE_JIT:
    from caffe_lite.kernels.gemm_plain import gemm_dot_plain as gemm_dot
    from caffe_lite.kernels.gemm_plain import gemm_plain as gemm
else:
    from caffe_lite.kernels.gemm_vector import gemm_dot_vector as gemm_dot
    from caffe_lite.kernels.gemm_vector import gemm_vector as gemm

__all__ = ["gemm", "gemm_dot"]
