"""The way out, and back: nets as ONNX models, weights as plain arrays.

::

    deploy.py       net as trained -> net as run: TEST phase, no losses, what is wanted
    sources.py      data layers -> inputs, with a batch of any size
    load.py         that and a file of weights -> nets, at two sizes of the batch
    model.py        nets -> ONNX model
    graph.py        nodes and names of one
    registry.py     what knows how to write each type of layer
    layers/         those functions, a file a family
    verify.py       model and net side by side in onnxruntime, on the inputs of samples.py
    weights.py      nets <-> named arrays <-> .npz and .safetensors
    safetensors.py  that format
"""
