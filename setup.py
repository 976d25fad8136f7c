"""The two packages, which setup.cfg cannot find in two folders: caffe_lite, and caffe (pycaffe) in python/."""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["caffe_lite", "caffe_lite.*"]),
        *find_packages("python", include=["caffe", "caffe.*"]),
    ],
    package_dir={"caffe": "python/caffe"},
)
