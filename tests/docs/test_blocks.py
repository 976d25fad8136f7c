"""Finding the code blocks of a page, and the commands in them."""

from __future__ import annotations

import pytest

from tools.docs.blocks import Block, blocks, caffe_lite_arguments, commands

PAGE = """# Title

Text.
    Not code: a line that goes on.

    indented

    and on

<!-- not run: because of this -->

```python
x = 1

    y
```

- item
  ```
  inside of a list: not looked at

~~~sh
```
~~~
<!-- run -->
Words between.

````text
```
````
"""


def test_blocks():
    assert list(blocks(PAGE)) == [
        Block(6, "", "indented\n\nand on\n", ""),
        Block(13, "python", "x = 1\n\n    y\n", "not run: because of this"),
        Block(23, "sh", "```\n", ""),
        Block(29, "text", "```\n", ""),
    ]
    assert [block.not_run for block in blocks(PAGE)] == ["", "because of this", "", ""]


def test_commands():
    text = "A=1 caffe_lite train --solver='a b' 2>&1 | tee x.log   # a | b\ncd caffe && \\\n    caffe_lite build\n"
    assert list(commands(text)) == [
        ["A=1", "caffe_lite", "train", "--solver=a b", "2"], ["1"], ["tee", "x.log"], ["cd", "caffe"], ["caffe_lite", "build"]]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("caffe_lite train -solver x", ["train", "-solver", "x"]),
        ("GLOG_v=1 A=b time caffe_lite draw", None),
        ("A=b caffe_lite draw", ["draw"]),
        ("time caffe_lite draw", ["draw"]),
        ("mpirun -n 2 -f hosts caffe_lite train", ["train"]),
        ("mpirun -n 2 other", None),
        ("pip install caffe_lite", None),
        ("", None),
    ],
)
def test_what_caffe_lite_is_given(words, expected):
    assert caffe_lite_arguments(words.split()) == expected
