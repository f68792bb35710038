#!/usr/bin/env python3
"""Mutation testing: puts one mistake after the other into the library and asks whether the tests notice.

    tests/mutants/run.py                   every mutant of tests/mutants/*.txt: some seconds each, after a build
    tests/mutants/run.py conv_vjp nn/      those whose name or file has one of these texts
    tests/mutants/run.py --resume --count 20    the next 20 that have no result yet
    tests/mutants/run.py --list            what there is, and the results so far
    tests/mutants/run.py --check           only whether every original text still occurs exactly once

A mutant is a name, a file with the tests that are likely to notice, the original text and what becomes of it:

    conv_vjp_lhs: low padding one too large
      ops/conv.cpp  grad_table_test conv_test
    - dilated.rhs - 1 - low
    + dilated.rhs - low

Everything happens in a copy of the sources in the build folder. It is built once, without mistakes, and must pass; then
only what a mutant changes is built again, and test programs run until one fails: the likely ones, then the quickest.
Exits with status 1 if fewer than 98 % are caught, or if a mutant does not compile (with warnings as errors, since a
mistake that the compiler points at needs no test).
"""

import argparse
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TABLES = pathlib.Path(__file__).resolve().parent
LABELS = ("unit", "grad", "conformance", "isa")
ENOUGH = 0.98  # of the mutants, to be caught


class Mutant:
    """One entry of a table; `problem` says why it cannot be used."""

    def __init__(self, entry, origin):
        lines = entry.splitlines()
        self.name = lines[0].strip()
        self.file, *self.likely = lines[1].split()
        self.original = "\n".join(line[2:] for line in lines[2:] if line.startswith("-"))
        self.mutated = "\n".join(line[2:] for line in lines[2:] if line.startswith("+"))
        self.identity = f"{self.name} {self.original} {self.mutated}"  # of a result
        text = (ROOT / self.file).read_text() if (ROOT / self.file).is_file() else ""
        count = text.count(self.original) if self.original else 0
        self.problem = None
        if any(line[:1] not in "+-" for line in lines[2:]) or not lines[1].startswith("  "):
            self.problem = "is not name, file, -lines and +lines"
        elif self.original == self.mutated:
            self.problem = "changes nothing"
        elif count != 1:
            self.problem = f"its original text occurs {count} times in {self.file}, not once"
        elif unknown := [name for name in self.likely if name not in programs()]:
            self.problem = f"names tests that do not exist: {' '.join(unknown)}"
        if self.problem:
            self.problem = f"{origin.name}: '{self.name}' {self.problem}"


@functools.cache
def programs():
    """The test programs of our labels, as tests/CMakeLists.txt lists them."""
    listed = re.findall(r"cotangent_test\((\w+) LABEL (\w+)", (ROOT / "tests/CMakeLists.txt").read_text())
    return [name for name, label in listed if label in LABELS]


def read_tables():
    """All mutants, in order; exits if one cannot be used."""
    mutants = []
    for path in sorted(TABLES.glob("*.txt")):
        entries = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
        mutants += [Mutant(entry, path) for entry in re.split(r"\n\n+", entries.strip())]
    problems = [mutant.problem for mutant in mutants if mutant.problem]
    names = [mutant.name for mutant in mutants]
    problems += [f"two mutants are named '{name}'" for name in sorted(set(names)) if names.count(name) > 1]
    if problems:
        sys.exit("\n".join(problems))
    return mutants


class Sandbox:
    """The copy of the sources, and its build."""

    def __init__(self, folder, jobs):
        self.source, self.build, self.jobs = folder, folder / "build" / "run", jobs
        self.seconds = self.build / "seconds.json"
        self.copy_sources()
        # With shared libraries that programs need not be linked to again, a mutant costs little more than its file.
        environment = {"CCACHE_BASEDIR": str(self.source), "CCACHE_NOHASHDIR": "1"}
        os.environ.update(environment)
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        if not (self.build / "build.ninja").exists():
            self.run(["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                      "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON", "-DCOTANGENT_WERROR=ON",
                      "-DCOTANGENT_BUILD_EXAMPLES=OFF", *launcher])
        log = self.compile()
        if log is not None:
            sys.exit(f"the sources do not compile:\n{log}")

    def copy_sources(self):
        """Brings the copy up to date; files that are the same keep their time, so that nothing is built again."""
        tops = [top for top in ROOT.iterdir() if top.name != ".git" and not top.name.startswith("build")]
        wanted = {path.relative_to(ROOT) for top in tops for path in [top, *top.rglob("*")] if path.is_file()}
        here = {path for top in self.source.glob("*") if top.name != "build" for path in [top, *top.rglob("*")]}
        for path in here:
            if path.is_file() and path.relative_to(self.source) not in wanted:
                path.unlink()
        for relative in wanted:
            here, there = ROOT / relative, self.source / relative
            if not there.exists() or here.read_bytes() != there.read_bytes():
                if relative.parts[0] != "tests":
                    self.seconds.unlink(missing_ok=True)
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(here, there)

    @staticmethod
    def run(command, **options):
        return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)

    def compile(self):
        """Builds what is out of date; returns the compiler's words if that fails."""
        command = ["ninja", "-C", self.build, f"-j{self.jobs}", *programs()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout if done.returncode else None

    def test(self, program, seconds):
        """The first failure of a test program, or None."""
        command = [self.build / "tests" / program, "--gtest_brief=1", "--gtest_fail_fast"]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds,
                                  cwd=self.build / "tests")
        except subprocess.TimeoutExpired:
            return f"{program} (no end)"
        if done.returncode == 0:
            return None
        failed = re.search(r"\[  FAILED  \] ([\w./]+)", done.stdout.decode(errors="replace"))
        return f"{program} {failed[1] if failed else f'(status {done.returncode})'}"

    def measure(self):
        """Program -> seconds without a mistake, run again if new; exits if one fails."""
        known = json.loads(self.seconds.read_text()) if self.seconds.exists() else {}
        for program in programs():
            made = (self.build / "tests" / program).stat().st_mtime
            if known.get(program, [0])[0] == made:
                continue
            start = time.monotonic()
            if failed := self.test(program, None):
                sys.exit(f"fails without any mistake: {failed}")
            known[program] = made, time.monotonic() - start
            self.seconds.write_text(json.dumps(known))
        return {program: known[program][1] for program in programs()}


def judge(sandbox, mutant, seconds):
    """Runs one mutant: ("caught", by what), ("survived", "") or ("does not compile", message)."""
    path = sandbox.source / mutant.file
    text = path.read_text()
    path.write_text(text.replace(mutant.original, mutant.mutated))
    try:
        if (log := sandbox.compile()) is not None:
            return "does not compile", next((line for line in log.splitlines() if "error:" in line), "")
        rest = sorted(set(programs()) - set(mutant.likely), key=seconds.get)
        for program in mutant.likely + rest:
            if failed := sandbox.test(program, 30 + 10 * seconds[program]):
                return "caught", failed
        return "survived", ""
    finally:
        path.write_text(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="of names or files; default: all mutants")
    parser.add_argument("--check", action="store_true", help="only check the tables")
    parser.add_argument("--list", action="store_true", help="only print the results of earlier runs")
    parser.add_argument("--resume", action="store_true", help="leave out what has a result from an earlier run")
    parser.add_argument("--count", type=int, help="run at most so many")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no further one after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="of the build")
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "mutants")
    return parser.parse_args()


def report(chosen, results, all_lines):
    """Prints what is known of the chosen mutants; returns whether it is good enough."""
    known = [(mutant.name, *results[mutant.identity]) for mutant in chosen if mutant.identity in results]
    for name, outcome, detail, _ in known:
        if all_lines or outcome != "caught":
            print(f"{outcome}: {name}: {detail}")
    outcomes = [outcome for _, outcome, _, _ in known]
    caught, broken = outcomes.count("caught"), outcomes.count("does not compile")
    total = len(known) - broken
    seconds = sum(seconds for *_, seconds in known) / max(1, len(known))
    print(f"caught {caught} of {total}; {broken} do not compile, {len(chosen) - len(known)} not run; {seconds:.1f} s each")
    return caught >= ENOUGH * total and broken == 0


def main():
    options = parse_arguments()
    start = time.monotonic()
    mutants = read_tables()
    if options.check:
        print(f"{len(mutants)} mutants, and each original text occurs once")
        return
    chosen = [mutant for mutant in mutants
              if not options.texts or any(text in mutant.name or text in mutant.file for text in options.texts)]
    kept = options.build_dir / "build" / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    if not options.list:
        sandbox = Sandbox(options.build_dir, options.jobs)
        seconds = sandbox.measure()
        width = max(len(mutant.name) for mutant in mutants)
        todo = [mutant for mutant in chosen if not options.resume or mutant.identity not in results]
        for mutant in todo[:options.count]:
            if time.monotonic() - start > 60 * options.minutes:
                break
            began = time.monotonic()
            outcome, detail = judge(sandbox, mutant, seconds)
            took = time.monotonic() - began
            results[mutant.identity] = outcome, detail, took
            kept.write_text(json.dumps(results))
            print(f"{mutant.name:{width}}  {outcome}  {detail}  {took:.0f} s", flush=True)
    sys.exit(not report(chosen, results, options.list))


if __name__ == "__main__":
    main()
