#!/usr/bin/env python3
"""Compares our times in two results of bench/run.py and names what became slower: bench/compare.py OLD.json NEW.json

Exits with status 1 if something did. A case counts as slower if its median grew by more than --threshold percent and
every round of the new run was slower than every round of the old one: machines have bad seconds.
"""

import argparse
import json
import pathlib
import statistics
import sys

import report


def timings(results):
    """(threads, case) -> microseconds of each undisturbed round, in the layout that was run."""
    layout = results["context"]["layout"]
    found = {}
    for threads, measured in results["threads"].items():
        for case, record in measured["cases"].items():
            ours = record.get("ours", {})
            mine = ours.get(layout) or next(iter(ours.values()), None)
            if mine:
                found[threads, case] = [mine["microseconds"][index] for index in report.trusted(mine)]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=pathlib.Path)
    parser.add_argument("new", type=pathlib.Path)
    parser.add_argument("--threshold", type=float, default=10, help="percent")
    parser.add_argument("--all", action="store_true", help="list every case, not only those that changed")
    options = parser.parse_args()
    old, new = (timings(json.loads(path.read_text())) for path in (options.old, options.new))
    common = [key for key in old if key in new]
    if not common:
        sys.exit("the two results have no case in common")

    factor = 1 + options.threshold / 100
    rows, slower, ratios = [], [], {}
    for key in common:
        before, after = statistics.median(old[key]), statistics.median(new[key])
        ratios.setdefault((key[0], key[1].split("/")[0]), []).append(after / before)
        verdict = ""
        if after > factor * before and min(new[key]) > max(old[key]):
            verdict = "SLOWER"
            slower.append(key)
        elif before > factor * after and max(new[key]) < min(old[key]):
            verdict = "faster"
        if verdict or options.all:
            rows.append([key[1], key[0], f"{before:.0f}", f"{after:.0f}", f"{after / before:.2f}", verdict])
    if rows:
        print(report.table(["case", "threads", "old, us", "new, us", "new / old", ""], rows) + "\n")
    for (threads, kind), found in ratios.items():
        print(f"{kind}, {threads} threads: geometric mean of new / old over {len(found)} cases: "
              f"{report.geometric_mean(found):.3f}")
    for name, only in [("old", old.keys() - new.keys()), ("new", new.keys() - old.keys())]:
        if only:
            print(f"only in the {name} results: {len(only)} cases")
    print(f"{len(slower)} of {len(common)} cases became slower by more than {options.threshold:g} %")
    sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
