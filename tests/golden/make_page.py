#!/usr/bin/env python3
"""Writes page.txt, what NumPy and SciPy compute for the small functions of the page "Convolutions in JAX".

Needs python3-numpy (made with 1.24.2) and python3-scipy (1.10.1).
"""
import os

import numpy as np
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

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "page.txt"), "w") as file:
    file.write("# Made by make_page.py: name, number of axes, extents, values.\n")
    file.write("\n".join(LINES) + "\n")
