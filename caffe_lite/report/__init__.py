"""What people look at: nets drawn, training curves, embeddings.

::

    draw.py       NetParameter -> graph -> dot source
    render.py     dot source -> picture file
    log.py        training log -> numbers
    curves.py     those numbers -> a chart
    embedding.py  features and labels -> a chart, and how well neighbours agree
    figure.py     where charts become files
"""
