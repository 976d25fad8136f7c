"""What the four commands of Caffe's own tool share: its flags and what some of them mean.

Source: ``tools/caffe.cpp``; like there, every command takes every flag.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from caffe_lite.commands import Flag
from caffe_lite.commands.limits import LIMITS
from caffe_lite.errors import DeviceError, FlagError

log = logging.getLogger(__name__)

FLAGS = (
    Flag("gpu", "", "Optional; GPUs to run on, by their numbers separated by ',', or 'all'. The CPU is used "
         "instead, with one warning, unless --strict_gpu is given."),
    Flag("strict_gpu", False, "Optional; asking for a GPU is an error, as in a Caffe built without."),
    Flag("solver", "", "The solver definition, a prototxt."),
    Flag("model", "", "The model definition, a prototxt."),
    Flag("phase", "", "Optional; network phase (TRAIN or TEST). Only used for 'time'."),
    Flag("level", 0, "Optional; network level."),
    Flag("stage", "", "Optional; network stages (not to be confused with phase), separated by ','."),
    Flag("snapshot", "", "Optional; the solver state (.solverstate) to resume training from, or auto for the newest "
         "whole one of the solver's snapshot_prefix, if there is one."),
    Flag("snapshot_keep", 0, "Optional; how many of the last snapshots to keep, 0 for all."),
    Flag("weights", "", "Optional; the trained weights (.caffemodel) to start finetuning from, separated "
         "by ','. Cannot be given together with --snapshot."),
    Flag("log_json", "", "Optional; append what 'train' does to this file, a JSON object a line; see docs/plot.md."),
    Flag("tensorboard", "", "Optional; write what 'train' does into this folder, for TensorBoard; see docs/plot.md."),
    Flag("tensorboard_embedding", "", "Optional; the blob of the first test net whose values --tensorboard shows as "
         "points; by default feat, if there is one."),
    Flag("iterations", 50, "The number of iterations to run. Not used for 'train'."),
    Flag("sigint_effect", "stop", "Optional; what Ctrl-C (SIGINT) does: snapshot, stop or none."),
    Flag("sighup_effect", "snapshot", "Optional; what SIGHUP does: snapshot, stop or none."),
    Flag("on_nan", "stop", "What a training does whose loss or weights are NaN or infinite: stop, with an error that "
         "says where it began, or continue, as Caffe does."),
    Flag("ranks", 0, "Optional; how many processes train together on this machine, each with batches of its own; 1 for "
         "one that trains alone whatever has started it. See docs/distributed.md."),
    Flag("keep_batch", False, "Optional; with several processes the batch sizes in the prototxt are those of all."),
    Flag("average_batch_norm", False, "Optional; with several processes the statistics that BatchNorm layers store are "
         "the means of all, not each process's own."),
    *LIMITS,
)


def stages(text: str) -> list[str]:
    """The stages of ``--stage``; without it one empty stage, which Caffe adds to the net's state too."""
    return text.split(",")


def choose_device(asked: str, strict: bool, wish: str = "") -> None:
    """Compute on the CPU, whatever was asked for, and say so.

    Args:
        asked: ``--gpu``.
        strict: ``--strict_gpu``.
        wish: who else asks for a GPU, such as ``solver_mode: GPU in solver.prototxt``.

    Raises:
        FlagError: ``--gpu`` is no list of numbers.
        DeviceError: a GPU was asked for and ``strict`` is set.
    """
    if asked and asked != "all" and not re.fullmatch(r"[0-9]+(,[0-9]+)*", asked):
        raise FlagError(f"--gpu={asked}: give device numbers separated by ',', such as 0,1, or 'all'")
    who = f"--gpu={asked}" if asked else wish
    if who and strict:
        raise DeviceError(
            f"Cannot use GPU in CPU-only Caffe: check mode. ({who}; without --strict_gpu the CPU is used)"
        )
    if who:
        log.warning("%s: there is no GPU for caffe_lite here; computing on the CPU", who)
    log.info("Use CPU.")


def check_iterations(iterations: int) -> None:
    """Raise ``FlagError`` unless there is something to run and to average over."""
    if iterations < 1:
        raise FlagError(f"--iterations={iterations}: give 1 or more")


def no_arguments(name: str, args: Sequence[str]) -> None:
    """Raise ``FlagError`` for words that are no flags."""
    if args:
        raise FlagError(f"caffe_lite {name} takes flags only, found {' '.join(args)}; is a '--' missing?")
