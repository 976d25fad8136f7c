"""The code blocks of all pages: shell commands exist and have these flags, Python runs, prototxt is prototxt."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.cli.dispatch import _find_command
from caffe_lite.cli.flags import HELP, parse
from caffe_lite.cli.log import FLAGS as LOG_FLAGS
from caffe_lite.commands import COMMANDS, MODULES
from caffe_lite.commands.caffe import FLAGS as CAFFE_FLAGS
from caffe_lite.errors import SchemaError
from tools.docs.blocks import blocks, caffe_lite_arguments, commands

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NAMES = {path: str(path.relative_to(ROOT)) for path in PAGES}
LANGUAGES = {"sh", "python", "prototxt", "text", "bash", ""}
SHORTER = {
    "docs/lenet.md": {"10000": "4", "5000": "2", "--iterations=100": "--iterations=2"},
    "docs/finetuning.md": {"2000": "3"},
    "docs/pycaffe.md": {"step(100)": "step(1)"},
}
"""Numbers of iterations that a test has no time for; in the page's solvers too."""
BEFORE = {"docs/reliability.md": "import caffe\n"}
"""What a page's Python takes for granted."""
NEEDS = {"docs/lenet.md": "lmdb", "docs/finetuning.md": "lmdb", "docs/pycaffe.md": "lmdb", "docs/export.md": "onnxruntime"}


def all_blocks(*languages):
    return [pytest.param(block, id=f"{NAMES[path]}:{block.line}") for path in PAGES
            for block in blocks(path.read_text("utf-8")) if not languages or block.language in languages]


def is_shell(block):
    """Whether it has commands; a block that is only indented may have."""
    return block.language != "" or block.text.startswith(("caffe_lite ", "mpirun "))


def flags_of(name):
    if MODULES.get(name, name) in ("train", "test", "time", "device_query"):
        return CAFFE_FLAGS, False
    module = __import__(f"caffe_lite.commands.{MODULES.get(name, name)}", fromlist=["FLAGS"])
    return module.FLAGS, getattr(module, "PASSES_ON", False)


@pytest.mark.parametrize("path", PAGES, ids=NAMES.get)
def test_every_block_says_its_language(path):
    for block in blocks(path.read_text("utf-8")):
        assert block.language in LANGUAGES, f"{NAMES[path]}:{block.line}"
        assert not block.note.startswith("not run") or len(block.not_run) > 10, "a reason, please"


@pytest.mark.parametrize("block", [param for param in all_blocks("sh", "bash", "") if is_shell(param.values[0])])
def test_commands_and_flags_exist(block):
    for words in commands(block.text):
        words = caffe_lite_arguments(words)
        if words is None:
            continue
        name, rest = _find_command(words, (*LOG_FLAGS, *HELP))
        if name is None:
            assert words in (["--help"], ["--version"])
            continue
        assert name in COMMANDS
        own, passes_on = flags_of(name)
        parse(rest, (*own, *LOG_FLAGS, *HELP), stop_at_word=passes_on)


@pytest.mark.parametrize("block", all_blocks("sh", "bash"))
def test_make_targets_and_scripts_exist(block):
    targets = set(re.findall(r"(?m)^([\w.$()/-]+):", (ROOT / "Makefile").read_text()))
    for words in commands(block.text):
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words[:1] == ["make"]:
            named = [word for word in words[1:] if not re.match(r"-|[A-Z]+=|/", word) and word != ".venv/.installed"]
            assert set(named) <= targets
        elif words and words[0].startswith("./"):
            assert (ROOT / words[0]).is_file()


@pytest.mark.parametrize("block", all_blocks("prototxt"))
def test_prototxt_parses(block):
    kinds = schema.NetParameter, schema.SolverParameter, schema.LayerParameter
    for kind in kinds:
        with suppress(SchemaError):
            schema.parse_text(block.text, kind)
            return
    schema.parse_text(block.text, kinds[0])


def runnable(path):
    return [block for block in blocks(path.read_text("utf-8")) if (block.language == "python" and not block.not_run)
            or (block.language == "sh" and block.note == "run")]


@pytest.mark.parametrize("path", [path for path in PAGES if runnable(path)], ids=NAMES.get)
def test_pages_run_from_top_to_bottom(path, sandbox, request, capsys):
    """Python, and shell blocks below ``<!-- run -->``, in one folder, one after the other."""
    name = NAMES[path]
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    if name == "docs/pycaffe.md":
        request.getfixturevalue("mnist_databases")
    shorter = SHORTER.get(name, {})
    for file in sandbox.glob("examples/*/*solver.prototxt"):
        file.write_text(_replaced(file.read_text(), shorter))
    scope = {"__name__": "__main__"}
    exec(BEFORE.get(name, ""), scope)
    for block in runnable(path):
        text = _replaced(block.text, shorter)
        if block.language == "python":
            exec(compile("\n" * (block.line - 1) + text, str(path), "exec"), scope)
            continue
        for words in filter(None, commands(text)):
            arguments = caffe_lite_arguments(words)
            assert arguments is not None, f"{name}:{block.line}: only caffe_lite is run: {words}"
            assert main(arguments) == 0, f"{name}:{block.line}: {capsys.readouterr().err[-2000:]}"


def _replaced(text, shorter):
    for before, after in shorter.items():
        text = text.replace(before, after)
    return text


def test_every_kind_of_block_is_there():
    """A finder that finds nothing would pass all tests above."""
    found = Counter(block.language for path in PAGES for block in blocks(path.read_text("utf-8")))
    assert found["sh"] > 60
    assert found["python"] > 8
    assert found["prototxt"] > 75
    assert sum(len(runnable(path)) for path in PAGES) > 15
