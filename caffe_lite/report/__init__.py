"""What people look at: nets drawn, training curves, embeddings.

::

    draw.py       NetParameter -> graph
    dot.py        graph -> dot source
    render.py     dot source -> picture file
    log.py        training log -> numbers
    curves.py     those numbers -> a chart
    embedding.py  images -> features -> a chart
    neighbours.py features and labels -> how well neighbours agree
    figure.py     where charts become files
"""
