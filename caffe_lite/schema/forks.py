"""Layers and fields of forks of Caffe that are not here, so that an error can say whose they are."""

from __future__ import annotations

_SSD = "SSD (weiliu89/caffe)"
_SEGNET = "SegNet (alexgkendall/caffe-segnet)"
_PSPNET = "PSPNet and DeepLab (hszhao/PSPNet)"
_R_FCN = "R-FCN (daijifeng001/caffe-rfcn)"
_FLOWNET = "FlowNet 2.0 (lmb-freiburg/flownet2)"

_TYPES = {
    _SSD: "VideoData",
    _SEGNET: "DenseImageData",
    _PSPNET: "SegAccuracy DenseCRF DomainTransform MatRead MatWrite UniqueLabel AdaptiveBiasChannel BiasChannel "
             "ImageSegData ImageDimPrefetchingData",
    _R_FCN: "PSROIPooling BoxAnnotatorOHEM SmoothL1LossOHEM SoftmaxWithLossOHEM",
    _FLOWNET: "Correlation Correlation1D CustomData DataAugmentation GenerateAugmentationParameters FlowAugmentation "
              "FlowWarp Downsample Resample ChannelNorm LpqLoss L1Loss ImgReader FLOReader FLOWriter",
    "OpenPose (CMU-Perceptual-Computing-Lab/caffe_train)": "CPMData ImResize Nms",
    "CRF-RNN (torrvision/crfasrnn)": "MultiStageMeanfield",
    "SphereFace (wy1iu/sphereface)": "MarginInnerProduct",
    "L-Softmax (wy1iu/LargeMargin_Softmax_Loss)": "LargeMarginInnerProduct",
    "Center Loss (ydwen/caffe-face)": "CenterLoss",
    "Deformable ConvNets": "DeformableConvolution DeformablePSROIPooling",
    "Mask R-CNN": "ROIAlign",
    "MobileNet-YOLO (eric612/MobileNet-YOLO)": "YoloDetectionOutput Yolov3 Yolov3DetectionOutput RegionLoss",
    "DetectNet (NVIDIA/caffe)": "DetectNetTransformation",
    "Spatial Transformer Networks (daerduoCarey/SpatialTransformerLayer)": "SpatialTransformer",
    "Ristretto (pmgysel/caffe)": "ConvolutionRistretto DeconvolutionRistretto FcRistretto LRNRistretto",
}
_FIELDS = {
    _SSD: "video_data_param eval_type ap_version show_per_class_result plateau_winsize minimum_loss iter_last_event",
    _SEGNET: "dense_image_data_param weight_by_label_freqs class_weighting sample_weights_test",
    _PSPNET: "seg_accuracy_param dense_crf_param domain_transform_param mat_read_param mat_write_param "
             "unique_label_param adaptive_bias_channel_param bias_channel_param update_global_stats scale_factors "
             "crop_width crop_height label_type",
    _R_FCN: "psroi_pooling_param box_annotator_ohem_param",
    _FLOWNET: "correlation_param augmentation_param coeff_schedule_param flow_warp_param resample_param",
    "CRF-RNN (torrvision/crfasrnn)": "multi_stage_meanfield_param",
    "SphereFace (wy1iu/sphereface)": "margin_inner_product_param",
    "Center Loss (ydwen/caffe-face)": "center_loss_param",
    "DetectNet (NVIDIA/caffe)": "detectnet_groundtruth_param detectnet_augmentation_param",
    "Spatial Transformer Networks (daerduoCarey/SpatialTransformerLayer)": "st_param",
}


def _owners(names: dict[str, str]) -> dict[str, str]:
    return {name: fork for fork, words in names.items() for name in words.split()}


_FORK_OF_TYPE, _FORK_OF_FIELD = _owners(_TYPES), _owners(_FIELDS)


def fork_of_type(name: str) -> str:
    """A sentence on the fork that has this layer type, or nothing if it is not known."""
    fork = _FORK_OF_TYPE.get(name)
    return f"It is a layer of the Caffe of {fork}, which caffe_lite does not have." if fork else ""


def fork_of_field(name: str) -> str:
    """A sentence on the fork that has this field, or nothing if it is not known."""
    fork = _FORK_OF_FIELD.get(name)
    return f"It is a field of the Caffe of {fork}, which caffe_lite does not have." if fork else ""
