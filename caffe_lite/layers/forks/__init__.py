"""Layers of well-known forks of Caffe, in the dialect of ``proto/forks.proto``.

::

    SSD               Permute Normalize PriorBox MultiBoxLoss DetectionOutput DetectionEvaluate AnnotatedData
    Faster R-CNN      ROIPooling SmoothL1Loss
    SegNet            Upsample BN
    PSPNet, DeepLab   Interp BN
    MobileNet         DepthwiseConvolution ConvolutionDepthwise ReLU6
    ShuffleNet        ShuffleChannel
    SENet             Axpy
"""
