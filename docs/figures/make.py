#!/usr/bin/env python3
"""Draws the figures of docs/convolution.md, as SVG files beside this script."""

import html
import pathlib

CELL = 28
MARGIN = 14
INPUT, KERNEL, OUTPUT, ZERO, CROPPED = "#cfe2f7", "#f9c784", "#bfe3c4", "#ffffff", "#eeeeee"
SECOND = "#d9cdf0"  # a second group of channels
INK, FAINT = "#24292f", "#8c959f"


class Figure:
    """Shapes on an opaque card, so that a figure reads the same on light and dark pages."""

    def __init__(self):
        self.shapes = []
        self.width = self.height = 0

    def reach(self, x, y):
        self.width, self.height = max(self.width, x), max(self.height, y)

    def text(self, x, y, text, size=13, anchor="start", colour=INK):
        self.shapes.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
                           f"{html.escape(text)}</text>")
        room = 0.58 * size * len(text)
        self.reach(x + {"start": room, "middle": room / 2, "end": 0}[anchor], y + 4)

    def cell(self, x, y, text="", fill=INPUT, edge=INK, dashed=False):
        dash = ' stroke-dasharray="3 2"' if dashed else ""
        self.shapes.append(f'<rect x="{x:g}" y="{y:g}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="{edge}"'
                           f"{dash}/>")
        if str(text):
            self.text(x + CELL / 2, y + CELL / 2 + 4, str(text), 12, "middle", FAINT if dashed else INK)
        self.reach(x + CELL, y + CELL)

    def zero(self, x, y):
        self.cell(x, y, "0", ZERO, FAINT, dashed=True)

    def cropped(self, x, y, text):
        self.cell(x, y, text, CROPPED, FAINT, dashed=True)
        self.line(x, y, x + CELL, y + CELL, FAINT)

    def line(self, x1, y1, x2, y2, colour=INK):
        self.shapes.append(f'<path d="M{x1:g} {y1:g}L{x2:g} {y2:g}" stroke="{colour}" fill="none"/>')

    def frame(self, x, y, columns, rows, colour="#d1242f"):
        self.shapes.append(f'<rect x="{x:g}" y="{y:g}" width="{columns * CELL}" height="{rows * CELL}" fill="none" '
                           f'stroke="{colour}" stroke-width="2.5"/>')

    def row(self, x, y, cells, fill=INPUT):
        """Cells side by side: "." is an inserted zero, "/7" a cropped 7, anything else an element."""
        for j, value in enumerate(cells):
            at = x + j * CELL
            if value == ".":
                self.zero(at, y)
            elif str(value).startswith("/"):
                self.cropped(at, y, value[1:])
            else:
                self.cell(at, y, value, fill)

    def grid(self, x, y, rows, columns, fill=INPUT, marked=(), zeros=()):
        for i in range(rows):
            for j in range(columns):
                at = x + j * CELL, y + i * CELL
                if (i, j) in zeros and (i, j) not in marked:
                    self.zero(*at)
                else:
                    self.cell(*at, "0" if (i, j) in zeros else "", KERNEL if (i, j) in marked else fill)

    def save(self, name, title):
        width, height = self.width + MARGIN, self.height + MARGIN
        folder = pathlib.Path(__file__).resolve().parent
        (folder / name).write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" role="img">\n'
            f"<title>{html.escape(title)}</title>\n"
            f'<rect width="100%" height="100%" rx="8" fill="#fbfbfb"/>\n' + "\n".join(self.shapes) + "\n</svg>\n")


def window():
    f = Figure()
    for step, (i, j) in enumerate([(0, 0), (0, 2), (2, 0), (2, 2)]):
        x, y = MARGIN + step * 6 * CELL, 2 * MARGIN + 6
        window = [(i + a, j + b) for a in range(3) for b in range(3)]
        f.text(x, y - 10, f"output ({i // 2}, {j // 2})")
        f.grid(x, y, 5, 5, marked=window)
        f.frame(x + j * CELL, y + i * CELL, 3, 3)
        f.grid(x + 1.5 * CELL, y + 5.5 * CELL, 2, 2, OUTPUT)
        f.frame(x + (1.5 + j / 2) * CELL, y + (5.5 + i / 2) * CELL, 1, 1)
    f.save("window.svg", "A 3 x 3 window visits a 5 x 5 input with stride 2 and gives a 2 x 2 output")


def padding():
    f = Figure()
    rows = [("VALID", list("123456"), 0, "2 windows; the last element is read by none"),
            ("SAME", [*"123456", "."], 0, "3 windows; pads (0, 1)"),
            ("SAME_LOWER", [".", *"123456"], -1, "3 windows; pads (1, 0)"),
            ("{{2, 2}}", [".", ".", *"123456", ".", "."], -2, "4 windows"),
            ("{{-1, 0}}", ["/1", *"23456"], 0, "2 windows; the first element is cropped")]
    for r, (name, cells, start, note) in enumerate(rows):
        y = MARGIN + r * 2 * CELL
        x = 180 + start * CELL
        f.text(MARGIN, y + 18, name)
        f.row(x, y, cells)
        first = sum(str(cell).startswith("/") for cell in cells)
        for k in range((len(cells) - first - 3) // 2 + 1):
            left, bar = x + (first + 2 * k) * CELL, y + CELL + 5 + 5 * (k % 2)
            f.shapes.append(f'<path d="M{left + 3:g} {bar:g}h{3 * CELL - 6}" stroke="#d1242f" stroke-width="2.5"/>')
        f.text(180 + 8 * CELL + 18, y + 18, note)
    f.height += 14
    f.save("padding.svg", "Paddings of six elements for a window of 3 with stride 2")


def rhs_dilation():
    f = Figure()
    for step, (dilation, label) in enumerate([(1, "rhs_dilation 1"), (2, "rhs_dilation 2"), (3, "rhs_dilation 3")]):
        x, y = MARGIN + step * 8 * CELL, 2 * MARGIN + 6
        f.text(x, y - 10, label)
        f.grid(x, y, 7, 7, marked=[(dilation * a, dilation * b) for a in range(3) for b in range(3)])
        f.frame(x, y, 2 * dilation + 1, 2 * dilation + 1)
    f.save("rhs_dilation.svg", "A 3 x 3 kernel with dilation 1, 2 and 3 reads a window of 3, 5 and 7 elements")


def lhs_dilation():
    f = Figure()
    x, y = MARGIN, 2 * MARGIN + 6
    f.text(x, y - 10, "3 x 3 input")
    f.grid(x, y + 2 * CELL, 3, 3)
    x += 4.5 * CELL
    f.text(x, y - 10, "lhs_dilation 2, padding 1")
    zeros = [(i, j) for i in range(7) for j in range(7) if i % 2 == 0 or j % 2 == 0]
    f.grid(x, y, 7, 7, zeros=zeros, marked=[(a, b) for a in range(3) for b in range(3)])
    f.frame(x, y, 3, 3)
    x += 8.5 * CELL
    f.text(x, y - 10, "5 x 5 output of a 3 x 3 kernel")
    f.grid(x, y + CELL, 5, 5, OUTPUT)
    f.frame(x, y + CELL, 1, 1)
    f.save("lhs_dilation.svg", "Input dilation puts zeros between the elements of a 3 x 3 input")


def groups():
    f = Figure()
    panels = [("no groups", "features", 1, False), ("feature_group_count 2", "features", 2, False),
              ("feature_group_count 4 (depthwise)", "features", 4, False), ("batch_group_count 2", "examples", 2, True)]
    colours = [INPUT, SECOND, "#f7d0d5", "#d5ead0"]
    for p, (title, what, count, batch) in enumerate(panels):
        x, y = MARGIN + (p % 2) * 10.5 * CELL, 2 * MARGIN + 6 + (p // 2) * 5 * CELL
        gap, below = 2 * CELL, y + 2.6 * CELL
        f.text(x, y - 10, title)
        for o in range(4):
            for i in range(4):
                if o * count // 4 == i * count // 4:
                    f.line(x + i * gap + CELL / 2, y + CELL, x + o * gap + CELL / 2, below, FAINT)
        for j in range(4):
            f.cell(x + j * gap, y, f"{'n' if batch else 'c'}{j}", colours[j * count // 4])
            f.cell(x + j * gap, below, f"o{j}", colours[j * count // 4])
        f.text(x + 7.3 * CELL, y + 18, what, 11, colour=FAINT)
        f.text(x + 7.3 * CELL, below + 18, "out features", 11, colour=FAINT)
    f.save("groups.svg", "Which output features see which input features, or which examples")


def input_gradient():
    f = Figure()
    left, line = 150, MARGIN
    f.text(MARGIN, line + 18, "forward: x, SAME")
    f.row(left, line, [*"123456", "."])
    f.text(MARGIN, line + 2.4 * CELL + 18, "y, stride 2")
    for j, value in enumerate([321, 543, 65]):
        f.cell(left + (2 * j + 1) * CELL, line + 2.4 * CELL, value, OUTPUT)
        for k in range(3):
            f.line(left + (2 * j + k + 0.5) * CELL, line + CELL, left + (2 * j + 1.5) * CELL, line + 2.4 * CELL, FAINT)
    f.text(left + 8.6 * CELL, line + 18, "window 1 10 100")

    line += 4.6 * CELL
    f.text(MARGIN, line + 18, "backward: g")
    f.row(left, line, [".", ".", "1", ".", "2", ".", "3", "."], OUTPUT)
    f.text(MARGIN, line + 2.4 * CELL + 18, "gradient of x")
    for j, value in enumerate([1, 10, 102, 20, 203, 30]):
        f.cell(left + (j + 1) * CELL, line + 2.4 * CELL, value, INPUT)
        for k in range(3):
            f.line(left + (j + k + 0.5) * CELL, line + CELL, left + (j + 1.5) * CELL, line + 2.4 * CELL, FAINT)
    f.text(left + 8.6 * CELL, line + 18, "window 100 10 1")
    f.save("input_gradient.svg", "The gradient of a strided convolution is a convolution of the dilated cotangent")


if __name__ == "__main__":
    for draw in (window, padding, rhs_dilation, lhs_dilation, groups, input_gradient):
        draw()
