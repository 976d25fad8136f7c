"""The text of ``--help``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from caffe_lite.cli.values import type_name
from caffe_lite.commands import COMMANDS, Flag


def usage(name: str | None, about: str, own: Iterable[Flag], general: Iterable[Flag]) -> str:
    """Usage, commands and flags.

    Args:
        name: the command, None for the program as a whole.
        about: the command's ``USAGE``, or nothing.
        own: its flags, or those of Caffe's own four commands.
        general: the flags that all commands take.
    """
    if name is None:
        text = "caffe_lite: Caffe's command line\nusage: caffe_lite <command> <args>\n\ncommands:\n"
        text += "".join(f"  {command:27} {summary}\n" for command, summary in COMMANDS.items())
        text += "\n`caffe_lite <command> --help` describes one of them.\n"
    else:
        line, _, more = about.partition("\n")
        text = f"caffe_lite {name}: {COMMANDS[name]}\nusage: caffe_lite {name} {line}".rstrip() + "\n"
        text += f"\n{more.strip()}\n" if more.strip() else ""
    title = "train, test, time and device_query" if name is None else name
    return text + _section(f"Flags of {title}", own) + _section("Flags of all commands", general)


def _section(title: str, flags: Iterable[Flag]) -> str:
    described = "".join(map(_describe, sorted(flags)))
    return f"\n  {title}:\n{described}" if described else ""


def _describe(flag: Flag) -> str:
    """One flag as gflags describes it: name, help, type, default."""
    default = f'"{flag.default}"' if isinstance(flag.default, str) else str(flag.default).lower()
    return textwrap.fill(
        f"-{flag.name} ({flag.help}) type: {type_name(flag)} default: {default}",
        width=80,
        initial_indent="    ",
        subsequent_indent="      ",
        break_on_hyphens=False,
    ) + "\n"
