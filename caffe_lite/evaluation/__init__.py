"""How good a trained siamese net is.

::

    net.py         the net and its pairs, from its own prototxt
    images.py      images and their classes, from wherever they are
    roc.py         distances of pairs -> ROC, threshold, scores
    neighbours.py  features and classes -> which images lie nearest
    report.py      the numbers, as text and as JSON
    pictures.py    the pictures
"""
