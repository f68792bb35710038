#!/usr/bin/python3
"""Makes pool.inc: pooling and its gradients by torch (Debian's python3-torch). Run: ./make_pool.py > pool.inc"""
import textwrap

import torch
import torch.nn.functional as F

# name, input shape (batch, channels, spatial...), window, stride, padding, dilation, count_include_pad or None for max
CASES = [
    ("max_plain", (2, 2, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1), None),
    ("max_overlapping", (1, 2, 7, 6), (3, 3), (2, 2), (1, 1), (1, 1), None),
    ("max_dilated", (1, 1, 8, 7), (3, 2), (1, 2), (1, 1), (2, 3), None),
    ("max_1d", (2, 3, 9), (4,), (3,), (2,), (1,), None),
    ("max_3d", (1, 2, 4, 4, 5), (2, 3, 2), (2, 1, 2), (1, 1, 0), (1, 1, 2), None),
    ("avg_plain", (2, 2, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1), True),
    ("avg_padded", (1, 2, 7, 6), (3, 3), (2, 2), (1, 1), (1, 1), True),
    ("avg_real_elements", (1, 2, 7, 6), (3, 3), (2, 2), (1, 1), (1, 1), False),
    ("avg_1d", (2, 3, 9), (4,), (3,), (2,), (1,), False),
    ("avg_3d", (1, 2, 4, 4, 5), (2, 3, 2), (2, 1, 2), (1, 1, 0), (1, 1, 1), True),
]


def braces(values):
    return "{" + ", ".join(values) + "}"


def integers(values):
    return braces(str(int(v)) for v in values)


def numbers(tensor):
    return braces(repr(float(v)) for v in tensor.detach().flatten())


def main():
    print(f"// Made by make_pool.py with torch {torch.__version__.split('a')[0]}: do not edit.")
    print("// Element i of an input is ((i * 7919) % 23 - 11) / 4, which has ties; a gradient is that of sum(y * y) / 2.")
    print("inline const std::vector<PoolCase> kPoolCases = {")
    for name, shape, window, stride, padding, dilation, include in CASES:
        count = torch.Size(shape).numel()
        x = ((torch.arange(count) * 7919) % 23 - 11).double().div(4).reshape(shape).requires_grad_()
        axes = len(shape) - 2
        if include is None:
            y = getattr(F, f"max_pool{axes}d")(x, window, stride, padding, dilation)
        else:
            y = getattr(F, f"avg_pool{axes}d")(x, window, stride, padding, False, include)
        (y * y).sum().div(2).backward()
        fields = [f'"{name}"', integers(shape), integers(window), integers(stride), integers(padding),
                  integers(dilation), "true" if include is None else "false", "true" if include else "false",
                  integers(y.shape), numbers(y), numbers(x.grad)]
        print(textwrap.fill(braces(fields) + ",", 120, initial_indent="    ", subsequent_indent="     "))
    print("};")


main()
