#!/usr/bin/env python3
"""Trains an epoch under every setting of the variables that OpenBLAS and OpenMP read: the weights must have one hash,
and no setting may take much longer than another. Exits with 1 if either is not so.

    bench/reproduce.py build/bench/bench/epoch
"""

import argparse
import os
import random
import subprocess

SETTINGS = [  # beside COTANGENT_NUM_THREADS
    {},
    *({name: count} for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS"] for count in "1238"),
    {"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"},
    {"OMP_PROC_BIND": "true"},
    {"OMP_NUM_THREADS": "8", "OMP_PROC_BIND": "close", "OMP_PLACES": "cores"},
    {"OMP_NUM_THREADS": "8", "OMP_WAIT_POLICY": "active"},
    {"OMP_DYNAMIC": "true"},
]
CLEARED = ["COTANGENT_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", *{name for s in SETTINGS for name in s}]
RATIO = 1.2  # of the slowest setting to the fastest


def train(program, settings):
    """The hash of the weights, and the seconds."""
    environment = {name: value for name, value in os.environ.items() if name not in CLEARED}
    output = subprocess.run([program], check=True, capture_output=True, text=True, env=environment | settings).stdout
    weights, seconds = output.split()
    return weights, float(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=8, help="turns of each setting; the shortest time counts")
    parser.add_argument("--threads", default="1,2,3,8", help="numbers of threads of which hashes are compared as well")
    options = parser.parse_args()

    teams = [{"COTANGENT_NUM_THREADS": count} for count in options.threads.split(",")]
    hashes = {train(options.program, settings)[0] for settings in teams}
    best = [float("inf")] * len(SETTINGS)
    for _ in range(options.rounds):  # in another order each time, because processors change their clock
        for i in random.sample(range(len(SETTINGS)), len(SETTINGS)):
            weights, seconds = train(options.program, SETTINGS[i])
            hashes.add(weights)
            best[i] = min(best[i], seconds)
    for settings, seconds in zip(SETTINGS, best):
        print(f"{seconds:7.3f} s  {' '.join(f'{name}={value}' for name, value in settings.items()) or 'nothing set'}")
    ratio = max(best) / min(best)
    print(f"hashes: {' '.join(sorted(hashes))}\nslowest / fastest: {ratio:.3f}")
    return len(hashes) > 1 or ratio > RATIO


if __name__ == "__main__":
    raise SystemExit(main())
