"""docs/errors.md, the catalogue of error messages: read out of the source, with the examples that the tests provoke.

``make errors`` runs the tests with ``recorder``, a plugin of pytest that notes which test raised which message, into
``tests/data/errors.json``; then ``python -m tools.errors`` writes the page.
"""
