#!/usr/bin/env python3
"""Writes conv.txt, the convolutions and derivatives that PyTorch and SciPy compute for conv_golden_test.cpp.

Needs python3-torch and python3-scipy (made with 1.13.1 and 1.10.1). Inputs are wave(shape, phase), which tests/golden.h
computes as well; layouts are channels first.
"""
import os

import numpy as np
import scipy.signal
import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
LINES = []


def wave(shape, phase):
    return torch.sin(phase + 1.3 * torch.arange(int(np.prod(shape)))).reshape(shape)


def write(name, tensor):
    values = " ".join("%.12g" % value for value in tensor.reshape(-1).tolist())
    LINES.append("%s %d %s %s" % (name, len(tensor.shape), " ".join(map(str, tensor.shape)), values))


def convolution(name, x, weight, function, **options):
    """y = function(x, weight) and the gradients of sum(y * wave(y.shape, 5))."""
    x, weight = wave(x, 0).requires_grad_(True), wave(weight, 1).requires_grad_(True)
    y = function(x, weight, **options)
    (y * wave(y.shape, 5)).sum().backward()
    write(name + ".y", y.detach())
    write(name + ".dx", x.grad)
    write(name + ".dw", weight.grad)


convolution("line", (2, 3, 11), (4, 3, 3), F.conv1d, stride=2, padding=2)
convolution("line_groups", (2, 6, 13), (4, 3, 3), F.conv1d, stride=3, padding=1, dilation=2, groups=2)
convolution("plane", (2, 3, 7, 8), (4, 3, 3, 2), F.conv2d, padding=1)
convolution("plane_all", (2, 4, 9, 8), (6, 2, 3, 2), F.conv2d, stride=(2, 3), padding=(2, 1), dilation=(2, 1), groups=2)
convolution("plane_depthwise", (2, 8, 6, 5), (16, 1, 3, 3), F.conv2d, padding=1, groups=8)
convolution("plane_pointwise", (2, 5, 4, 6), (7, 5, 1, 1), F.conv2d)
convolution("plane_unused_edge", (1, 2, 10, 9), (2, 2, 3, 4), F.conv2d, stride=4)
convolution("volume", (1, 2, 4, 5, 6), (3, 2, 2, 3, 3), F.conv3d, stride=(1, 2, 2), padding=(1, 1, 0))
convolution("volume_all", (1, 4, 5, 6, 4), (4, 2, 2, 2, 3), F.conv3d, stride=(2, 1, 1), padding=1, dilation=(1, 2, 1),
            groups=2)
convolution("transposed_line", (2, 3, 5), (3, 2, 4), F.conv_transpose1d, stride=3, padding=1, output_padding=2)
convolution("transposed_plane", (2, 3, 4, 5), (3, 4, 4, 3), F.conv_transpose2d, stride=2, padding=1,
            output_padding=(0, 1))
convolution("transposed_plane_dilated", (1, 2, 4, 3), (2, 3, 3, 2), F.conv_transpose2d, stride=(2, 3), padding=(2, 1),
            dilation=(2, 3), output_padding=(1, 2))
convolution("transposed_volume", (1, 2, 2, 3, 3), (2, 2, 3, 2, 2), F.conv_transpose3d, stride=(2, 1, 2),
            padding=(1, 0, 1), output_padding=(1, 0, 0))
convolution("transposed_groups", (2, 6, 4, 3), (6, 2, 3, 3), F.conv_transpose2d, stride=2, padding=1, output_padding=1,
            groups=3)

for mode in ("full", "same", "valid"):
    image, kernel = wave((9, 8), 0).numpy(), wave((3, 3), 1).numpy()
    write("correlate_" + mode, scipy.signal.correlate(image, kernel, mode, method="direct"))
    write("convolve_" + mode, scipy.signal.convolve(image, kernel, mode, method="direct"))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "conv.txt"), "w") as file:
    file.write("# Made by make_conv.py: name, number of axes, extents, values.\n")
    file.write("\n".join(LINES) + "\n")
