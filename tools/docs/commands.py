"""docs/commands.md: every command with its usage, its flags and an example, from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from itertools import groupby

from caffe_lite.cli.flags import HELP
from caffe_lite.cli.log import FLAGS as LOG_FLAGS
from caffe_lite.cli.values import type_name
from caffe_lite.commands import COMMANDS, MODULES, Flag
from caffe_lite.commands.caffe import FLAGS as CAFFE_FLAGS
from tools.docs.command_examples import EXAMPLES

INTRODUCTION = """# Commands

This page is made from the source by `python -m tools.docs`. `caffe_lite COMMAND --help` says the same.

Flags are written as Caffe's are: `-solver=x`, `--solver=x` and `--solver x` are the same, `--name` and `--noname` set a
flag that is true or false, and `--flagfile=FILE` reads flags from a file, one a line. They may stand before or behind
other words; `--` ends them.

The exit code is 0 where all went well and 1 where something is wrong: then the last line says what, where, and what to
do ([error messages](errors.md)). Ctrl-C gives 130 and a closed pipe 141; `train` has [more](reliability.md).

| command | what it does |
| --- | --- |
"""
SHARED = """## Flags of train, test, time and device_query

These four are Caffe's own tool, and as there each of them takes all of these flags.

"""
GENERAL = """## Flags of all commands

`GLOG_minloglevel=2` in the environment does what `--minloglevel=2` does, and so for all of glog's flags.

"""
CAFFES_OWN = ("train", "test", "time", "device_query")


def page() -> str:
    """The page as Markdown."""
    rows = "".join(f"| [`{name}`](#{name}) | {about} |\n" for name, about in COMMANDS.items())
    commands = "\n".join(section(name, _module_usage(name), _flags(name), EXAMPLES) for name in COMMANDS)
    shared = SHARED + flag_table(CAFFE_FLAGS)
    return f"{INTRODUCTION}{rows}\n{commands}\n{shared}\n{GENERAL}{flag_table((*HELP, *LOG_FLAGS))}"


def section(name: str, usage: str, flags: Iterable[Flag] | None, examples: Mapping[str, str]) -> str:
    """A command: what it does, how it is called, an example, its flags.

    Args:
        flags: None for those that ``CAFFES_OWN`` share.
    """
    line, _, more = usage.partition("\n")
    text = [f"## {name}", f"{COMMANDS[name].capitalize()}." if name in COMMANDS else "",
            f"```text\ncaffe_lite {name} {line}".rstrip() + "\n```", _prose(more)]
    text.append(f"```sh\n{examples[name].strip()}\n```")
    if flags is None:
        text.append("Flags: [those of train, test, time and device_query](#flags-of-train-test-time-and-device_query).")
    elif flags := list(flags):
        text.append(flag_table(flags).rstrip())
    return "\n\n".join(filter(None, text)) + "\n"


def flag_table(flags: Iterable[Flag]) -> str:
    """A row a flag: name, default, meaning."""
    rows = "".join(f"| `--{flag.name}` | {type_name(flag)} | {_default(flag)} | {_cell(flag.help)} |\n"
                   for flag in flags)
    return f"| flag | type | default | meaning |\n| --- | --- | --- | --- |\n{rows}"


def _default(flag: Flag) -> str:
    if isinstance(flag.default, bool):
        return f"`{str(flag.default).lower()}`"
    return f"`{flag.default}`" if flag.default != "" else ""


def _text(text: str) -> str:
    """What a command says of itself: flags are code, and pages of docs/ links."""
    text = re.sub(r"(?<![\w`-])(--?[a-z]\w+(=[\w.]+)?)", r"`\1`", text.strip())
    return re.sub(r"docs/(\w+)\.md", r"[\1](\1.md)", text)


def _cell(text: str) -> str:
    return _text(text.rstrip(".")).replace("|", "\\|")


def _prose(text: str) -> str:
    """What stands below the usage; indented lines are commands."""
    groups = groupby(text.splitlines(), lambda line: line.startswith("    "))
    return "\n\n".join(
        "\n".join(["```sh", *map(str.strip, lines), "```"]) if indented else _text("\n".join(lines))
        for indented, lines in groups
    )


def _flags(name: str) -> Iterable[Flag] | None:
    return None if name in CAFFES_OWN else import_module(f"caffe_lite.commands.{MODULES.get(name, name)}").FLAGS


def _module_usage(name: str) -> str:
    return str(import_module(f"caffe_lite.commands.{MODULES.get(name, name)}").USAGE)
