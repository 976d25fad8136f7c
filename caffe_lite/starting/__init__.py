"""A folder to start from: data, nets, a solver and a README that belong together.

::

    layout.py     what the files of such a folder are called
    photos.py     images in folders by class -> pixels and labels
    split.py      which of them are learned from, which tested with
    pairs.py      which of them make pairs
    plan.py       batches and iterations that fit so many of them
    prototxt.py   layers as text
    siamese.py lenet.py autoencoder.py    each model's nets and its solver, as text
    databases.py  pixels and labels -> databases
    readme.py     what a newcomer reads first
    place.py      where the folder appears, whole or not at all
"""
