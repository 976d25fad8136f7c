"""What people look at: nets drawn, training curves, embeddings.

::

    draw.py       NetParameter -> graph
    dot.py        graph -> dot source
    render.py     dot source -> picture file
    log.py        a training log's lines -> numbers
    json_runs.py  the lines of --log_json -> the same numbers
    read.py       log files, which may still grow
    charts.py     Caffe's eight charts: which of those numbers
    lines.py      long lines thinned, noisy ones made smooth
    curves.py     those numbers -> a chart
    live.py, json_log.py, tensorboard.py
                  what watches a training: see solvers/watching.py
    labels.py     which blobs are scores, and which labels
    filters.py, activations.py, confusion.py, embedding.py
                  a net -> a chart; tiles.py puts many small pictures side by side
    neighbours.py features and labels -> how well neighbours agree
    figure.py     where charts become files; page.py makes HTML of them, colors.py has their colours
"""
