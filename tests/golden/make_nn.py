#!/usr/bin/env python3
"""Writes nn.txt, the values that PyTorch computes for the layers, losses and optimizers that our tests check.

Needs python3-torch (made with 1.13.1). Inputs are wave(shape, phase), which tests/golden.h computes as well. Results
are in our layouts: channels last, kernels (spatial..., in, out), dense weights (in, out).
"""
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
LINES = []


def wave(shape, phase):
    count = 1
    for extent in shape:
        count *= extent
    return torch.sin(phase + 1.3 * torch.arange(count)).reshape(shape)


def write(name, tensor):
    values = " ".join("%.12g" % value for value in tensor.detach().reshape(-1).tolist())
    LINES.append("%s %d %s %s" % (name, tensor.dim(), " ".join(map(str, tensor.shape)), values))


def channels_first(x):
    return x.movedim(-1, 1)


def channels_last(x):
    return x.movedim(1, -1)


def forward_and_gradients(name, function, **inputs):
    """The value y of function(**inputs) and the gradients of sum(y * wave(y.shape, 5))."""
    for tensor in inputs.values():
        tensor.requires_grad_(True)
    y = function(**inputs)
    write(name + ".y", y)
    (y * wave(y.shape, 5)).sum().backward()
    for key, tensor in inputs.items():
        write(name + ".d" + key, tensor.grad)


def convolution(name, x, kernel, features, bias=True, **options):
    n, groups = len(kernel), options.get("groups", 1)
    convolve = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[n]

    def function(x, weight, bias=None):
        torch_weight = weight.permute(n + 1, n, *range(n))
        return channels_last(convolve(channels_first(x), torch_weight, bias, **options))

    inputs = {"x": wave(x, 0), "weight": wave((*kernel, x[-1] // groups, features), 1)}
    if bias:
        inputs["bias"] = wave((features,), 2)
    forward_and_gradients(name, function, **inputs)


def transposed_convolution(name, x, kernel, features, **options):
    n, groups = len(kernel), options.get("groups", 1)
    convolve = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}[n]

    def function(x, weight, bias):
        # Ours is (spatial..., in / groups, out) and reversed in space; PyTorch's is (in, out / groups, spatial...).
        parts = weight.flip(tuple(range(n))).chunk(groups, dim=-1)
        torch_weight = torch.cat([part.permute(n, n + 1, *range(n)) for part in parts])
        return channels_last(convolve(channels_first(x), torch_weight, bias, **options))

    forward_and_gradients(name, function, x=wave(x, 0), weight=wave((*kernel, x[-1] // groups, features), 1),
                          bias=wave((features,), 2))


def pooling(name, x, function):
    forward_and_gradients(name, lambda x: channels_last(function(channels_first(x))), x=wave(x, 0))


def batch_norm(name, x):
    features = x[-1]
    layer = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(x)](features)

    def function(x, weight, bias):
        layer.running_mean, layer.running_var = torch.zeros(features), torch.ones(features)
        y = F.batch_norm(channels_first(x), layer.running_mean, layer.running_var, weight, bias, True, 0.1, 1e-5)
        return channels_last(y)

    weight, bias = wave((features,), 1), wave((features,), 2)
    forward_and_gradients(name, function, x=wave(x, 0), weight=weight, bias=bias)
    write(name + ".running_mean", layer.running_mean)
    write(name + ".running_var", layer.running_var)
    y = F.batch_norm(channels_first(wave(x, 3)), layer.running_mean, layer.running_var, weight, bias, False)
    write(name + ".eval", channels_last(y))


def optimizer(name, make, steps=10):
    parameter = wave((2, 3), 0).requires_grad_(True)
    optimizer = make([parameter])
    for step in range(steps):
        parameter.grad = wave((2, 3), 1 + step) + 0.5 * parameter.detach()
        optimizer.step()
    write(name, parameter)


convolution("conv1d", (2, 6, 2), (3,), 3)
convolution("conv1d_all", (2, 9, 4), (3,), 4, stride=2, padding=1, dilation=2, groups=2)
convolution("conv2d", (1, 4, 5, 2), (3, 3), 2, padding=1)
convolution("conv2d_no_bias", (1, 3, 4, 2), (1, 2), 3, bias=False)
convolution("conv2d_all", (2, 5, 6, 4), (3, 2), 2, stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
convolution("conv2d_depthwise", (1, 4, 4, 3), (2, 2), 6, groups=3)
convolution("conv3d", (1, 3, 4, 3, 2), (2, 2, 1), 2, stride=(1, 2, 1), padding=(1, 0, 0))
transposed_convolution("transpose1d", (2, 4, 2), (4,), 3, stride=2, padding=1)
transposed_convolution("transpose1d_out", (1, 3, 4), (3,), 2, stride=3, padding=1, output_padding=2, groups=2)
transposed_convolution("transpose2d", (1, 2, 3, 2), (3, 3), 2)
transposed_convolution("transpose2d_all", (2, 2, 3, 4), (3, 2), 4, stride=(2, 3), padding=(1, 0),
                       output_padding=(1, 0), dilation=(1, 2), groups=2)
transposed_convolution("transpose2d_tiny", (1, 3, 2, 1), (1, 2), 2, stride=(3, 2))
transposed_convolution("transpose3d", (1, 2, 2, 1, 2), (2, 3, 1), 2, stride=(1, 2, 1), padding=(0, 1, 0))

forward_and_gradients("linear", lambda x, weight, bias: F.linear(x, weight.T, bias), x=wave((3, 4), 0),
                      weight=wave((4, 2), 1), bias=wave((2,), 2))
pooling("max_pool", (1, 5, 6, 2), lambda x: F.max_pool2d(x, (2, 3), (2, 1)))
pooling("avg_pool", (1, 5, 6, 2), lambda x: F.avg_pool2d(x, 2))
batch_norm("batch_norm1", (6, 3))
batch_norm("batch_norm2", (2, 3, 2, 3))
forward_and_gradients("layer_norm", lambda x, weight, bias: F.layer_norm(x, (2, 3), weight, bias),
                      x=wave((4, 2, 3), 0), weight=wave((2, 3), 1), bias=wave((2, 3), 2))

targets = torch.tensor([0, 2, 1, 2, 0])
forward_and_gradients("cross_entropy", lambda x: F.cross_entropy(x, targets), x=4 * wave((5, 3), 0))
forward_and_gradients("cross_entropy_smooth", lambda x: F.cross_entropy(x, targets, label_smoothing=0.1),
                      x=4 * wave((5, 3), 0))
forward_and_gradients("mse", F.mse_loss, input=wave((4, 3), 0), target=wave((4, 3), 1))
forward_and_gradients("bce", F.binary_cross_entropy_with_logits, input=40 * wave((4, 3), 0),
                      target=(wave((4, 3), 1) + 1) / 2)

optimizer("sgd", lambda p: torch.optim.SGD(p, lr=0.1))
optimizer("sgd_momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01))
optimizer("sgd_nesterov", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1))
optimizer("adam", lambda p: torch.optim.Adam(p, lr=0.02))
optimizer("adam_decay", lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1))
optimizer("adamw", lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.2))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn.txt"), "w") as file:
    file.write("# Made by make_nn.py: name, number of axes, extents, values.\n" + "\n".join(LINES) + "\n")
