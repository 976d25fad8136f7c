"""Hypothesis strategies for whole messages of the schema."""

import numpy as np
from hypothesis import strategies as st

from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.messages import MESSAGES

SCALARS = {
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "bool": st.booleans(),
    "float": st.floats(width=32, allow_nan=False).map(np.float32).map(float),
    "double": st.floats(allow_nan=False),
    "string": st.text(st.characters(exclude_categories=["Cs"])),
    "bytes": st.binary(),
}


def values(field):
    """Values for one field of the schema."""
    if field.kind == "message":
        return messages(field.type_name)
    if field.kind == "enum":
        return st.sampled_from(sorted(field.values.values()))
    return SCALARS[field.kind]


@st.composite
def messages(draw, name):
    """Messages called ``name`` with a few of their fields set, and all required ones."""
    message = MESSAGES[name]()
    fields = FIELDS[name]
    chosen = draw(st.sets(st.sampled_from(sorted(fields)), max_size=4))
    for field in (field for field in fields.values() if field.name in chosen or field.required):
        if field.repeated:
            getattr(message, field.name).extend(draw(st.lists(values(field), max_size=2)))
        elif field.kind == "message":
            getattr(message, field.name).CopyFrom(draw(values(field)))
            getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, draw(values(field)))
    return message
