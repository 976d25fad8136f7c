"""The drawing of an example, for a page of the site."""

from __future__ import annotations

import re

from caffe_lite.report.dot import dot_source
from caffe_lite.report.draw import net_graph
from caffe_lite.report.render import picture
from tools.docs.example import read_example


def drawing(layer: str) -> str:
    """The example of a layer type, drawn by ``caffe_lite draw``, as SVG to stand in a page.

    Its names do not clash with those of other drawings, and its colours are left to the page's style where they depend
    on whether the page is light or dark.

    Raises:
        DependencyError: no program here can draw it.
    """
    svg = picture(dot_source(net_graph(read_example(layer).param())).encode(), "svg").decode()
    head, body = svg[svg.index("<svg "):].split(">", 1)
    body = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", body, flags=re.DOTALL)
    body = re.sub(r' (id|xml:space|font-family)="[^"]*"', "", body)
    body = re.sub(r'<polygon fill="white" stroke="none"[^>]*>\n?', "", body, count=1)  # the paper
    return f'<figure class="net">{head} role="img" aria-label="the net of the example">{body.strip()}</figure>'
