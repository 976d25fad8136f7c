"""The page: messages by room and by class, each with its cause, an example and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from tools.errors.advice import advice_on, own_remedy
from tools.errors.examples import Examples, example_of
from tools.errors.sites import Site

INTRODUCTION = """# Error messages

Every message that caffe_lite ends with: what it comes from, an example, and what to do. Look for the words of your
message that are not names or numbers of your own: in the titles these stand as `…`.

A command prints such a message as one line that begins with `F`, the date and the place in our source, and exits
with 1:

    F1122 03:22:13.498004  5416 parameters.py:21] average_loss is 0: the mean needs 1 loss or more

Messages of a layer begin with the layer's name and type: `layer 'ip1' (InnerProduct): `. Messages about a prototxt
begin with `FILE:LINE:COLUMN: `. In Python each is an exception of the class it stands under here, and all of these are
a `caffe_lite.errors.CaffeError`. What the operating system says, such as `data/train: Permission denied` or
`No space left on device`, is printed in the same way. A traceback is a bug of ours: please report it.

The examples are messages that the tests provoke: below each stands the test, which shows how. This page is made from
the source by `make errors`.
"""
TITLES = {  # the rooms, from the command line to what lies below it
    "cli": "The command line",
    "commands": "Commands",
    "check": "Checking nets",
    "evaluation": "Evaluation",
    "starting": "Beginning with images of one's own",
    "export": "Weights and nets of other formats",
    "solvers": "Training",
    "distributed": "Training on several processes",
    "snapshot": "Weights and solver states",
    "net": "Nets",
    "graph": "Phases and blobs",
    "layers": "Layers",
    "fillers": "Fillers",
    "sources": "Data: databases, images, HDF5",
    "schema": "Prototxt and binary files",
    "upgrade": "Older forms of nets and solvers",
    "blob": "Blobs",
    "rng": "Random numbers",
    "parallel": "Threads",
    "limits": "Limits",
    "budget": "Memory",
    "hdf5": "HDF5 files",
    "optional": "Optional packages",
    "report": "Pictures, logs and embeddings",
    "notebook": "Notebooks",
    "binding": "pycaffe, Caffe's compiled half",
    "python": "pycaffe, Caffe's modules and scripts",
}


def page(sites: Iterable[Site], kinds: dict[str, str], examples: Examples) -> str:
    """The page as Markdown.

    Args:
        sites: what messages there are.
        kinds: every class of exceptions with the sentence that says what it is.
        examples: what was recorded.
    """
    messages = list({(site.path, site.template): site for site in sites if not site.hands_on}.values())
    messages.sort(key=lambda site: (_order(_room(site.path)), site.path, site.begin))
    rooms = {room: list(group) for room, group in groupby(messages, lambda site: _room(site.path))}
    contents = "".join(f"- [{_title(room)}](#{_anchor(_title(room))}): {len(group)}\n" for room, group in rooms.items())
    parts = [INTRODUCTION, f"{len(messages)} messages:\n\n{contents}"]
    for room, group in rooms.items():
        parts.append(f"## {_title(room)}\n")
        for kind, same in groupby(sorted(group, key=lambda s: s.kind), lambda s: s.kind):
            about = kinds[kind].replace("``", "`")
            parts.append(f"### {kind}\n\n{about}\n" if about else f"### {kind}\n")
            parts += [_entry(site, example_of(site, examples)) for site in same]
    return "\n".join(parts)


def _entry(site: Site, found: dict[str, str] | None) -> str:
    advice = advice_on(site.kind, site.path, site.template)
    example = found["example"] if found else site.template
    own = own_remedy(example)
    lines = [f"#### {_code(_line(site.template))}", f"**Cause.** {advice.cause}", "**Example.**",
             "\n".join(f"    {line}".rstrip() for line in example.splitlines()),
             f"**Remedy.** {_sentence(own) if own else advice.remedy}",
             f"<sub>{site.path}, {found['test'] if found else 'no test'}</sub>"]
    return "\n\n".join(lines) + "\n"


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _sentence(text: str) -> str:
    text = re.sub(r"([*_<>\[\]{}#\\])", r"\\\1", _line(text)).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if "`" in text else f"{fence}{text}{fence}"


def _room(path: str) -> str:
    parts = path.split("/")
    return parts[0] if parts[0] == "python" else parts[1].removesuffix(".py")


def _order(room: str) -> tuple[bool, int, str]:
    return room not in TITLES, list(TITLES).index(room) if room in TITLES else 0, room


def _title(room: str) -> str:
    return TITLES.get(room, f"`{room}`")


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
