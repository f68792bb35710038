#!/usr/bin/env python3
"""Writes page.txt, what NumPy and SciPy compute for the small functions of the page "Convolutions in JAX".

Needs python3-numpy (made with 1.24.2) and python3-scipy (1.10.1).
"""
import os

import numpy as np
import scipy.special
import scipy.stats

LINES = []


def write(name, array):
    array = np.asarray(array, dtype=np.float64)
    values = " ".join("%.17g" % value for value in array.reshape(-1))
    LINES.append(" ".join([name, str(array.ndim), *map(str, array.shape), values]))


X = np.arange(24.0).reshape(2, 3, 4)
for turns in range(-3, 5):
    write("rot90.%d" % turns, np.rot90(X, turns))
    write("rot90_02.%d" % turns, np.rot90(X, turns, axes=(2, 0)))

GRID = [np.arange(3.0), np.arange(4.0) * 10, np.arange(2.0) * 100]
for indexing in ("xy", "ij"):
    for count in (1, 2, 3):
        for k, coordinates in enumerate(np.meshgrid(*GRID[:count], indexing=indexing)):
            write("meshgrid.%s%d.%d" % (indexing, count, k), coordinates)

updated = X.copy()
updated[0:2, 1:2, 0:4:3] = [[[-1.0]], [[-2.0]]]
write("update_slice", updated)

Y = np.linspace(-3, 3, 7)
write("norm_pdf", scipy.stats.norm.pdf(Y))
write("norm_pdf_scaled", scipy.stats.norm.pdf(Y[:, None], [0.5, -1, 40], [0.1, 2, 1e-9]))



def threefry(key, x0, x1):
    """Threefry-2x32 with 20 rounds."""
    mask = 0xFFFFFFFF
    keys = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA]
    x0, x1 = (x0 + keys[0]) & mask, (x1 + keys[1]) & mask
    for group in range(5):
        for r in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            x0 = (x0 + x1) & mask
            x1 = ((x1 << r | x1 >> (32 - r)) & mask) ^ x0
        x0 = (x0 + keys[(group + 1) % 3]) & mask
        x1 = (x1 + keys[(group + 2) % 3] + group + 1) & mask
    return x0, x1


# The page's first cell with the noise of jax_threefry_partitionable = False: the words of counters 0, ..., 499, hashed
# in pairs (i, 250 + i).
pairs = [threefry((0, 1701), i, 250 + i) for i in range(250)]
words = np.array([first for first, _ in pairs] + [second for _, second in pairs], dtype=np.uint32)
units = (words >> 9) * 2.0**-23
noise = np.sqrt(2) * scipy.special.erfinv(2 * units - (1 - 2.0**-24))
signal = np.sin(np.linspace(0, 10, 500)) + 0.2 * noise
write("signal_original", signal)
write("signal_original_smooth", np.convolve(signal, np.ones(10) / 10, mode="same"))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.txt"), "w") as file:
    file.write("# Made by make_page.py: name, number of axes, extents, values.\n")
    file.write("\n".join(LINES) + "\n")
