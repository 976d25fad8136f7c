"""``summary``: a table of a net's layers."""

from __future__ import annotations

import logging
import os
import shutil
import sys

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import FlagError

log = logging.getLogger(__name__)

FORMATS = ("text", "markdown", "json")
USAGE = """NET
Lists the layers of a net: output shape, parameters, multiply-adds of a forward pass, memory, and what is shared.
It needs neither data nor weights; sizes that depend on data that is not there are shown as `?`."""
FLAGS = (
    Flag("format", "text", "How to tell: text, as wide as the terminal, markdown or json."),
    Flag("phase", "TEST", "The phase to show, TRAIN or TEST."),
    Flag("stage", "", "The net's stages, separated by ','."),
    Flag("level", 0, "The net's level."),
    Flag("shape", "", "Shapes of data that is not there, such as data=64,3,227,227:label=64."),
    Flag("weights", "", "A file of weights: say which layers it has weights for."),
)


def run(call: Call) -> int:
    """Print the table of one net.

    Raises:
        FlagError: not one net, or a flag's value is none.
        CaffeError: the net cannot be read, or the weights.
    """
    flags = call.flags
    if len(call.args) != 1:
        raise usage_error("summary", USAGE, call.args)
    if flags.format not in FORMATS:
        raise FlagError(f"--format={flags.format}: give one of {', '.join(FORMATS)}")
    if flags.phase not in ("TRAIN", "TEST"):
        raise FlagError(f"--phase={flags.phase}: give TRAIN or TEST")
    shapes = _shapes(flags.shape)

    from caffe_lite.check.document import Document
    from caffe_lite.check.finding import ERROR
    from caffe_lite.check.net import check_net
    from caffe_lite.check.report import one_as_text
    from caffe_lite.check.states import state_name
    from caffe_lite.errors import SchemaError
    from caffe_lite.schema import NetParameter, NetState, Phase
    from caffe_lite.summary.rows import rows_of
    from caffe_lite.summary.table import as_json, as_markdown, as_text
    from caffe_lite.summary.weights import add_weights

    path = call.args[0]
    document = Document(path, NetParameter)
    if document.reading.mistakes:
        raise SchemaError(str(document.reading.mistakes[0]))
    state = NetState(phase=Phase.Value(flags.phase), level=flags.level,
                     stage=[stage for stage in flags.stage.split(",") if stage])
    findings, builts = check_net(document, states=[state], shapes=shapes)
    for finding in findings:
        if finding.severity == ERROR and finding.code != "data":
            log.error("%s", one_as_text(finding))
    if not builts:
        return 1
    rows = rows_of(builts[0])
    extra = add_weights(rows, builts[0].plans[0], flags.weights) if flags.weights else []
    name, phase = document.message.name or os.path.basename(path), state_name(state)
    if flags.format == "json":
        print(as_json(name, phase, rows, extra), end="")
        return 0
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    title = f"{name} ({phase})"
    print(as_text(title, rows, width) if flags.format == "text" else as_markdown(title, rows), end="")
    if extra:
        print(f"only in {flags.weights}: {', '.join(extra)}")
    return 0


def _shapes(text: str) -> dict[str, tuple[int, ...]]:
    try:
        parts = [part.split("=") for part in text.split(":") if part]
        return {name: tuple(map(int, sizes.split(","))) for name, sizes in parts}
    except ValueError:
        raise FlagError(f"--shape={text}: give name=sizes, such as data=64,3,227,227:label=64") from None
