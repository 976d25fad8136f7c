"""Prototxt of small nets."""


def layer(kind, bottoms, tops, more="", name="l"):
    """A layer of a type, its blobs' names (a string is a list of one-letter names), and its further fields."""
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name}" type: "{kind}"{names} {more} }}\n'
