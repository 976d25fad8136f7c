"""The pages of docs/ that are made from the source, and what the site's builder needs.

::

    python -m tools.docs     docs/commands.md and docs/layers/ from the flags, the docstrings and the schema
    make docs                that, and the site: mkdocs with the hooks of ``tools/docs/hooks.py``
"""
