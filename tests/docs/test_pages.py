"""The pages that are made from the source."""

from __future__ import annotations

from caffe_lite.commands import COMMANDS, Flag
from tools.docs.__main__ import DOCS, made_pages
from tools.docs.command_examples import EXAMPLES
from tools.docs.commands import flag_table, page, section


def test_pages_are_what_the_source_says():
    made = made_pages()
    for name, text in made.items():
        assert (DOCS / name).read_text("utf-8") == text, f"docs/{name} is stale; run `python -m tools.docs`"
    assert {f"layers/{path.name}" for path in (DOCS / "layers").iterdir()} <= set(made), "a page is left over"


def test_every_command_has_its_section_and_example():
    assert list(EXAMPLES) == list(COMMANDS)
    text = page()
    for name, example in EXAMPLES.items():
        assert f"\n## {name}\n" in text
        assert f"caffe_lite {name}" in example
    for flag in ("--solver", "--skip_bad_records", "--undo", "--logtostderr", "--flagfile", "--resize_width"):
        assert f"| `{flag}` |" in text


def test_a_section():
    flags = (Flag("size", 3, "How large; see --gray and docs/new.md."), Flag("gray", False, "Grey | not colour."))
    text = section("draw", "NET OUT\nDraws it:\n    caffe_lite draw a b\nwell.", flags, {"draw": "\ncaffe_lite draw x y\n"})
    assert text == """## draw

Draw a net.

```text
caffe_lite draw NET OUT
```

Draws it:

```sh
caffe_lite draw a b
```

well.

```sh
caffe_lite draw x y
```

| flag | type | default | meaning |
| --- | --- | --- | --- |
| `--size` | int32 | `3` | How large; see `--gray` and [new](new.md) |
| `--gray` | bool | `false` | Grey \\| not colour |
"""
    assert flag_table([Flag("x", "", "A.")]).endswith("| `--x` | string |  | A |\n")
