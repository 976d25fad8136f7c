"""The plain kernels alone, as Python: what runs where numba compiles nothing."""

import os
import subprocess
import sys
from pathlib import Path

CASES = ["conv_group", "conv_3d", "conv_hw", "conv_multi_bottom", "pool_max_pad", "pool_ave_pad_ceil_clip", "pool_max_mask", "ip_4d",
         "ip_transpose", "relu_leaky", "relu_inplace_after_ip", "swish", "bnll_large", "elu_alpha", "prelu", "clip", "exp_base2",
         "log_base2", "power_frac", "dropout_train", "scale_bias", "bias", "eltwise_max", "eltwise_prod", "crop", "tile",
         "reduction_asum", "argmax_axis", "batch_reindex", "embed", "filter",
         "bn_train_maf", "bn_test", "lrn_across_strong", "lrn_within", "mvn", "mvn_mean_only", "euclidean", "hinge_l2", "infogain",
         "multinomial_logistic", "sigmoid_ce_ignore", "deconv_group", "im2col", "spp_max", "lstm_static", "lstm_unit", "rnn"]


def test_recordings_under_disabled_jit():
    tests = Path(__file__).parents[1]
    code = f"from support.layers import run_case\nfor case in {CASES}: run_case(case)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tests, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(tests)}, check=False)
    assert done.returncode == 0, done.stderr
