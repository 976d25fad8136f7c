"""An executed notebook as a page: one HTML file, with its pictures in it."""

from __future__ import annotations

import warnings
from typing import Any

from caffe_lite.optional import need


def html(notebook: Any, title: str) -> str:
    """The page.

    Raises:
        DependencyError: the packages of the extra ``notebook`` are not installed.
    """
    exporters = need("nbconvert.exporters", "notebook", "writing notebooks as HTML")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        page, _ = exporters.HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": title}})
    return str(page)
