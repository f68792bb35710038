#!/usr/bin/env python3
"""Runs our benchmarks and the peers' alternately, prints tables of medians, and writes them as JSON and as a chart.

    bench/run.py                      everything that is built, at 1 and 2 threads: some minutes
    bench/run.py --quick              a few small problems, once: under a minute
    bench/run.py conv --filter r64    the convolutions whose name matches
    bench/compare.py old.json new.json
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = {  # kind of case -> who -> program
    "conv": {"ours": "bench/conv_bench", "torch": "bench/peers/torch_conv", "onednn": "bench/peers/onednn_conv"},
    "train": {"ours": "bench/train_bench", "torch": "bench/peers/torch_train", "dlib": "bench/peers/dlib_train"},
}
QUICK = "/(c5_32x14_64|r64_56_b1|c16_32|cifar_first|mnist5x5|dw128_28|t64_3_32|fashion_lenet|lenet5|cnn_1d|cnn_3d)$"
FMA_PEAK = "fma_peak"  # a case of our conv program
DISTURBANCE = report.DISTURBANCE  # processors busy with something else, from which on a turn is repeated
LOT = 2  # problems that a program is run on before it is the next one's turn


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="conv|train", help="what to time; default: both")
    parser.add_argument("--filter", default="", help="regular expression that <family>/<name> matches")
    parser.add_argument("--peers", default="torch,onednn,dlib", help="peers to run, where built; '' for none")
    parser.add_argument("--layout", default="nhwc", choices=["nhwc", "nchw"], help="of our convolutions")
    parser.add_argument("--threads", default="1,2", help="numbers of threads")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program; the table has their medians")
    parser.add_argument("--repetitions", type=int, default=3, help="timings of a case in a turn, whose median counts")
    parser.add_argument("--attempts", type=int, default=3, help="of a turn, as long as other processes disturb it")
    parser.add_argument("--seconds", type=float, default=0.05, help="least length of a timing")
    parser.add_argument("--quick", action="store_true", help="a few small problems, one round, no memory")
    parser.add_argument("--no-memory", action="store_true", help="leave out the separate runs that measure memory")
    parser.add_argument("--no-build", action="store_true", help="run the programs as they are")
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--prefix", default="", help="command to put before each timed program, such as 'nice -n -5'")
    parser.add_argument("--append", action="store_true", help="add to what the output already holds")
    parser.add_argument("--output", type=pathlib.Path, help="results, .json; default: results.json in the build folder")
    options = parser.parse_args()
    options.kinds = options.kinds or ["conv", "train"]
    for kind in options.kinds:
        if kind not in PROGRAMS:
            parser.error(f"there is no kind '{kind}'; the kinds are conv and train")
    options.threads = [int(count) for count in options.threads.split(",")]
    options.peers = [peer for peer in options.peers.split(",") if peer]
    for peer in options.peers:
        if not any(peer in programs for programs in PROGRAMS.values()):
            parser.error(f"there is no peer '{peer}'; the peers are torch, onednn and dlib")
    options.output = options.output or options.build_dir / "results.json"
    if options.quick:
        options.filter, options.rounds, options.seconds = options.filter or QUICK, 1, 0.02
        options.attempts, options.no_memory = 1, True
    return options


def build(options):
    """Builds our programs and those of the peers that are asked for."""
    peers = ";".join(options.peers)
    configure = ["cmake", "-S", ROOT, "-B", options.build_dir, "-DCMAKE_BUILD_TYPE=Release",
                 "-DCOTANGENT_BUILD_BENCH=ON", f"-DCOTANGENT_BENCH_PEERS={peers}"]
    if not (options.build_dir / "CMakeCache.txt").exists():
        configure += ["-G", "Ninja", "-DCOTANGENT_BUILD_TESTS=OFF", "-DCOTANGENT_BUILD_EXAMPLES=OFF"]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    wanted = [path.name for kind in options.kinds for who, path in programs(options, kind, built=False).items()]
    subprocess.run(["cmake", "--build", options.build_dir, "--target", *wanted], check=True, stdout=sys.stderr)


def programs(options, kind, built=True):
    """who -> path, ours first, of one kind."""
    chosen = {who: options.build_dir / path for who, path in PROGRAMS[kind].items() if who in ["ours", *options.peers]}
    return {who: path for who, path in chosen.items() if path.exists() or not built}


def environment(threads):
    """The environment for a program: that many threads in every library, and OpenBLAS free to choose its kernels."""
    result = dict(os.environ)
    for name in ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]:
        result.pop(name, None)
    for name in ["COTANGENT_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
        result[name] = str(threads)
    return result


def cases(options, kind, path):
    """Of a program's cases those that are asked for: problem, as family/name -> names of cases."""
    listing = subprocess.run([path, "--benchmark_list_tests"], check=True, capture_output=True, text=True,
                             env=environment(1)).stdout
    result = {}
    for line in listing.split():
        name = line.removesuffix("/real_time")
        if name.count("/") != 4:
            continue
        _, family, problem, _, layout = name.split("/")
        if not re.search(options.filter, f"{family}/{problem}"):
            continue
        if kind == "conv" and layout in ("nhwc", "nchw") and layout != options.layout:
            continue
        result.setdefault(f"{family}/{problem}", []).append(name)
    return result


def run(path, names, threads, repetitions, seconds, prefix=""):
    """Runs these cases of a program. Returns its context, its benchmarks by name (lists, one entry a repetition), and
    how many processors were busy with something else."""
    with tempfile.NamedTemporaryFile(suffix=".json") as output:
        command = [*shlex.split(prefix), path, f"--benchmark_filter=^({'|'.join(names)})/real_time$",
                   f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={seconds}",
                   f"--benchmark_out={output.name}"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(threads))
        if done.returncode != 0:
            raise SystemExit(f"{shlex.join(map(str, command))} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
        found = json.load(output)
    benchmarks = {}
    for entry in found["benchmarks"]:
        if entry["run_type"] == "aggregate":
            continue
        if entry.get("error_occurred"):
            raise SystemExit(f"{path.name}: {entry['name']}: {entry['error_message']}")
        benchmarks.setdefault(entry["name"].removesuffix("/real_time"), []).append(entry)
    return found["context"], benchmarks, float(done.stderr.rsplit("foreign_cpu:", 1)[1])


def run_undisturbed(results, attempts, *arguments):
    """run(), again as long as other processes disturb it and there are attempts left; the least disturbed one."""
    runs = []
    for _ in range(attempts):
        runs.append(run(*arguments))
        if runs[-1][2] <= DISTURBANCE:
            break
    best = min(runs, key=lambda done: done[2])
    results["context"]["turns"] += 1
    results["context"]["disturbed_turns"] += best[2] > DISTURBANCE
    return best


def time_all(options, kind, results):
    """Times one kind of case: in every round, the programs take turns on every lot of problems."""
    paths = programs(options, kind)
    chosen = {who: cases(options, kind, path) for who, path in paths.items()}
    problems = list(chosen["ours"])
    lots = [problems[start:start + LOT] for start in range(0, len(problems), LOT)]
    for threads in options.threads:
        for turn in range(options.rounds):
            for number, lot in enumerate(lots):
                show(f"{kind}, {threads} threads, round {turn + 1} of {options.rounds}, problems from {lot[0]}")
                order = list(paths) if (turn + number) % 2 == 0 else list(reversed(paths))
                for who in order:
                    names = [name for problem in lot for name in chosen[who].get(problem, [])]
                    if who == "ours" and kind == "conv":
                        names.insert(0, FMA_PEAK)
                    if names:
                        context, found, foreign = run_undisturbed(
                            results, options.attempts, paths[who], names, threads, options.repetitions, options.seconds,
                            options.prefix)
                        collect(results, who, threads, context, found, foreign)
                save(options, results)
    show("")


def save(options, results):
    options.output.write_text(json.dumps(results, indent=1) + "\n")


def show(progress):
    """One line on a terminal, over the one before."""
    if sys.stderr.isatty():
        print(f"{progress:<100}", end="\r", file=sys.stderr, flush=True)


def collect(results, who, threads, context, found, foreign):
    """Adds a turn's medians to the results."""
    if who == "ours":
        for key in ["openblas_core", "products", "fma_instructions"]:
            if key in context:
                results["context"][key] = context[key]
    timings = results["threads"].setdefault(str(threads), {"fma_peak": [], "cases": {}})
    peak = None
    if FMA_PEAK in found:
        peak = statistics.median(entry["flops"] / entry["real_time"] / 1e3 for entry in found.pop(FMA_PEAK))
        timings["fma_peak"].append(peak)
    for name, entries in found.items():
        case, layout = name.rsplit("/", 1)
        record = timings["cases"].setdefault(case, {})
        check = "check" if "check" in entries[0] else "parameters"
        mine = record.setdefault(who, {}).setdefault(
            layout, {"microseconds": [], "foreign_cpu": [], check: entries[0][check]})
        mine["microseconds"].append(statistics.median(entry["real_time"] for entry in entries))
        mine["foreign_cpu"].append(foreign)
        record["flops"] = entries[0]["flops"]
        if peak:  # of this turn: the clock of a virtual machine is not constant
            mine.setdefault("peak_gflops", []).append(peak)


def measure_memory(options, kind, results):
    """The peak resident memory of a process that does nothing but one problem, in each program's best layout."""
    threads = options.threads[-1]
    timings = results["threads"][str(threads)]["cases"]
    for who, path in programs(options, kind).items():
        show(f"{kind}, memory of {who}")
        for problem, names in cases(options, kind, path).items():
            layout = report.best_layout(timings, kind, problem, who)
            names = [name for name in names if name.endswith("/" + layout)]
            context, found, _ = run(path, names, threads, 3 if kind == "train" else 1, 0)
            peak = max(entry["peak_mib"] for entries in found.values() for entry in entries)
            results["memory"].setdefault(f"{kind}/{problem}", {})[who] = {
                "peak_mib": peak, "start_mib": float(context["start_mib"])}


def main():
    options = parse_arguments()
    if not options.no_build:
        build(options)
    results = {"context": {"layout": options.layout, "turns": 0, "disturbed_turns": 0}, "threads": {}, "memory": {}}
    if options.append and options.output.exists():
        results = json.loads(options.output.read_text())
    for kind in options.kinds:
        time_all(options, kind, results)
        if not options.no_memory:
            measure_memory(options, kind, results)
    save(options, results)
    print(report.text(results))
    print(f"\nresults: {options.output}")
    chart = report.draw(results, options.output.with_suffix(".png"))
    if chart:
        print(f"chart: {chart}")


if __name__ == "__main__":
    main()
