"""What results of bench/run.py say: tables, geometric means, a chart."""

import math
import shutil
import statistics
import subprocess

DIRECTIONS = ["forward", "input_gradient", "weight_gradient"]
PEERS = ["torch", "onednn", "dlib"]
DISTURBANCE = 0.05  # processors busy with something else, from which on a time is not to be trusted


def trusted(timing):
    """The rounds that nothing else disturbed, by index; if there are none, the least disturbed one."""
    foreign = timing["foreign_cpu"]
    return [index for index, share in enumerate(foreign) if share <= max(DISTURBANCE, min(foreign))]


def median(record, who, layout):
    timing = record[who][layout]
    return statistics.median(timing["microseconds"][index] for index in trusted(timing))


def problems(cases, kind):
    """The problems of one kind, as family/name, in the order of the programs' lists."""
    names = {}
    for case in cases:
        parts = case.split("/")
        if parts[0] == kind:
            names["/".join(parts[1:3])] = True
    return list(names)


def best_layout(cases, kind, problem, who):
    """The layout in which the program does all directions in the shortest time."""
    times = {}
    for case, record in cases.items():
        if case.startswith(f"{kind}/{problem}/") and who in record:
            for layout in record[who]:
                times[layout] = times.get(layout, 0) + median(record, who, layout)
    return min(times, key=times.get, default=None)


def times_of(cases, kind, problem, who):
    """Microseconds by direction, each in the layout that is best for it, and of 'train', all of them in one layout."""
    found = {}
    layout = best_layout(cases, kind, problem, who)
    if layout is None:
        return found
    for direction in DIRECTIONS + ["step"]:
        record = cases.get(f"{kind}/{problem}/{direction}", {})
        if who in record:
            found[direction] = min(median(record, who, each) for each in record[who])
    if all(direction in found for direction in DIRECTIONS):
        found["train"] = sum(median(cases[f"{kind}/{problem}/{direction}"], who, layout) for direction in DIRECTIONS)
    return found


def shares_of_peak(cases, problem):
    """Our GFLOP/s over the peak that was measured in the same turn, by direction, in our one layout."""
    taken = [next(iter(cases[f"conv/{problem}/{direction}"]["ours"].values())) for direction in DIRECTIONS]
    flops = cases[f"conv/{problem}/forward"]["flops"] / 1e3
    ceiling = 0.5 if problem.startswith("f64/") else 1  # half as many numbers in a register
    shares = [statistics.median(flops / each["microseconds"][index] / each["peak_gflops"][index] / ceiling
                                for index in trusted(each)) for each in taken]
    return [*shares, len(shares) / sum(1 / share for share in shares)]


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def disagreements(cases):
    """Lines about cases in which a peer does not do the work that we do."""
    lines = []
    for case, record in cases.items():
        ours = next(iter(record.get("ours", {}).values()), None)
        for who in PEERS:
            for layout, theirs in record.get(who, {}).items():
                for key, tolerance in [("check", 1e-3), ("parameters", 0)]:
                    if ours and key in ours and abs(ours[key] - theirs[key]) > tolerance * abs(ours[key]):
                        lines.append(f"DIFFERENT WORK: {case}: {key} {ours[key]:g}, {who} {layout} {theirs[key]:g}")
    return lines


def table(header, rows):
    """A markdown table, its columns aligned."""
    cells = [header, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) if index == 0 else cell.rjust(width)
                               for index, (cell, width) in enumerate(zip(row, widths))) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) if index == 0 else "-" * (width + 1) + ":"
                                   for index, width in enumerate(widths)) + "|")
    return "\n".join(lines)


def memory_cells(results, kind, problem, whos):
    peaks = results["memory"].get(f"{kind}/{problem}", {})
    return [f"{peaks[who]['peak_mib']:.0f}" if who in peaks else "" for who in whos]


def conv_table(results, threads):
    """The convolutions: GFLOP/s, share of the peak, and how much longer the peers take, by direction."""
    timings = results["threads"][threads]
    cases, peak = timings["cases"], statistics.median(timings["fma_peak"] or [math.nan])
    columns = DIRECTIONS + ["train"]
    whos = [who for who in PEERS if any(who in record for case, record in cases.items() if case.startswith("conv/"))]
    has_memory = any(key.startswith("conv/") for key in results["memory"])
    rows, ratios = [], {}
    for problem in problems(cases, "conv"):
        ours = times_of(cases, "conv", problem, "ours")
        flops = cases[f"conv/{problem}/forward"]["flops"]
        rates = [flops * (3 if column == "train" else 1) / ours[column] / 1e3 for column in columns]
        row = [problem, " ".join(f"{rate:4.0f}" for rate in rates),
               " ".join(f"{100 * share:3.0f}" for share in shares_of_peak(cases, problem))]
        for who in whos:
            theirs = times_of(cases, "conv", problem, who)
            row.append(" ".join(f"{theirs[column] / ours[column]:5.2f}" for column in columns) if theirs else "")
            for group in ("all", problem.split("/")[0]):
                for column in columns if theirs else []:
                    ratios.setdefault(group, {}).setdefault((who, column), []).append(theirs[column] / ours[column])
        if has_memory:
            row += memory_cells(results, "conv", problem, ["ours", *whos])
        rows.append(row)
    for group, found in ratios.items():
        row = [f"geometric mean of {group}", "", ""]
        row += [" ".join(f"{geometric_mean(found[who, column]):5.2f}" for column in columns)
                if (who, "train") in found else "" for who in whos]
        rows.append(row + [""] * (1 + len(whos) if has_memory else 0))
    header = ["fwd, dx, dw, train", "GFLOP/s", "% of peak", *[f"{who} / ours" for who in whos]]
    if has_memory:
        header += [f"{who} MiB" for who in ["ours", *whos]]
    return f"FMA peak: {peak:.0f} GFLOP/s\n\n" + table(header, rows)


def train_table(results, threads):
    """Training steps: milliseconds, and how much longer the peers take."""
    cases = results["threads"][threads]["cases"]
    whos = [who for who in PEERS if any(who in record for case, record in cases.items() if case.startswith("train/"))]
    has_memory = any(key.startswith("train/") for key in results["memory"])
    rows, ratios = [], {}
    for problem in problems(cases, "train"):
        ours = times_of(cases, "train", problem, "ours")["step"]
        row = [problem.split("/")[1], f"{ours / 1e3:.2f}"]
        for who in whos:
            theirs = times_of(cases, "train", problem, who).get("step")
            row += [f"{theirs / 1e3:.2f}", f"{theirs / ours:.2f}"] if theirs else ["", ""]
            if theirs:
                ratios.setdefault(who, []).append(theirs / ours)
        if has_memory:
            row += memory_cells(results, "train", problem, ["ours", *whos])
        rows.append(row)
    row = ["geometric mean", ""]
    for who in whos:
        row += ["", f"{geometric_mean(ratios[who]):.2f}"]
    rows.append(row + [""] * (1 + len(whos) if has_memory else 0))
    header = ["training step", "ours, ms"]
    for who in whos:
        header += [f"{who}, ms", f"{who} / ours"]
    if has_memory:
        header += [f"{who} MiB" for who in ["ours", *whos]]
    return table(header, rows)


def text(results):
    """Everything, as markdown."""
    context = results["context"]
    lines = [f"OpenBLAS core: {context.get('openblas_core')}; our matrix products by {context.get('products')}; "
             f"FMA chains in {context.get('fma_instructions', '-')}; "
             f"medians over rounds, {context['disturbed_turns']} of {context['turns']} turns disturbed by other "
             f"processes; peers in their best layout, ours {context['layout']}; "
             "MiB: peak resident memory (VmHWM) of a process that does nothing else"]
    for threads, timings in results["threads"].items():
        lines += disagreements(timings["cases"])
        for kind, make in [("conv", conv_table), ("train", train_table)]:
            if problems(timings["cases"], kind):
                plural = "" if threads == "1" else "s"
                lines.append(f"\n## {kind}, {threads} thread{plural}\n\n" + make(results, threads))
    return "\n".join(lines)


def draw(results, path):
    """Draws bars with gnuplot, for the most threads; the path, or nothing if there is no gnuplot."""
    if shutil.which("gnuplot") is None:
        return None
    threads = list(results["threads"])[-1]
    cases = results["threads"][threads]["cases"]
    panels, script = [], []
    for kind, column, title in [("conv", "forward", "forward"), ("conv", "train", "forward and both gradients"),
                                ("train", "step", "training steps")]:
        names = problems(cases, kind)
        if not names:
            continue
        whos = [who for who in ["ours", *PEERS] if any(times_of(cases, kind, name, who) for name in names)]
        block = f"$panel{len(panels)}"
        script.append(f"{block} << end")
        for name in names:
            times = {who: times_of(cases, kind, name, who).get(column) for who in whos}
            scale = (cases[f"conv/{name}/forward"]["flops"] * (3 if column == "train" else 1) / 1e3 if kind == "conv"
                     else times["ours"])
            shown = [f"{scale / times[who]:.3f}" if times[who] else "NaN" for who in whos]
            script.append(" ".join([f'"{name.split("/")[1]}"'.replace("_", "\\\\_"), *shown]))
        script.append("end")
        unit = "GFLOP/s" if kind == "conv" else "speed, ours = 1"
        bars = ", ".join(f"{block} using {index + 2}:xtic(1) title '{who}'" for index, who in enumerate(whos))
        if kind == "conv" and results["threads"][threads]["fma_peak"]:
            peak = statistics.median(results["threads"][threads]["fma_peak"])
            bars += f", {peak} title 'FMA peak' with lines lc black"
        title = f"{'convolutions: ' if kind == 'conv' else ''}{title}, threads: {threads}"
        panels.append(f"set title '{title}'\nset ylabel '{unit}'\nplot {bars}")
    script += [f"set terminal pngcairo size 1600,{420 * len(panels)}", f"set output '{path}'",
               f"set multiplot layout {len(panels)},1", "set style data histograms",
               "set style histogram clustered gap 1",
               "set style fill solid", "set yrange [0:*]", "set xtics rotate by -45", "set grid ytics",
               "set key outside top right", *panels]
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)
    return path
