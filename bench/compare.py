"""Puts our benchmarks beside their peers in one run: rounds of peer and ours in turn, on the same threads, and prints the
ratio of the medians with its spread.

    python3 bench/compare.py helmholtz              # gradient of the published set-up beside SciPy's SuperLU, one core
    python3 bench/compare.py mlp                    # training step of the published network beside PyTorch, two threads
    python3 bench/compare.py acoustic-70            # waves of one model, and with the gradient (acoustic-70-gradient; also 512)
    python3 bench/compare.py acoustic               # all four, one thread and two, between the machine's ceilings
    python3 bench/compare.py elastic                # the same of elastic waves
    python3 bench/compare.py elastic --cases 70,70-gradient --threads 1 --rounds 2

Deepwave runs twice a round: with inner steps of its own choice, and with ours. Every result is printed as it comes; acoustic and elastic
end with tables in Markdown.

Peers come from PyPI (bench/requirements.txt) into an environment outside the repository; --python names its interpreter.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What is compared: the peer's commands (their script with its arguments), how its answer becomes seconds, and our Go benchmark.
CASES = {
    "helmholtz": {
        "title": "Gradient, published set-up (200 x 200 cells, PML 30, 6 Hz, 15 sources, 196 receivers), one core",
        "peers": lambda a: [["helmholtz_superlu.py", "--repeats", "2"]],
        "seconds": lambda r: [s["total"] for s in r["seconds"]],
        "name": lambda r: f"SciPy {r['scipy']} SuperLU, complex128",
        "package": "./plugins/solvers/helmholtz",
        "bench": "^BenchmarkGradient$/^published",
        "threads": 1,
        "rounds": 5,
    },
    "mlp": {
        "title": "Training step, published network (51 341 412 parameters, batch 50, Adam, clipping, EMA)",
        "peers": lambda a: [["mlp_torch.py", "--threads", str(a.threads or 2), "--optimiser", a.optimiser]],
        "seconds": lambda r: [s / 1e3 for s in r["milliseconds"]],
        "name": lambda r: f"PyTorch {r['torch']}, {r['optimiser']} Adam",
        "package": "./core/nn",
        "bench": "^BenchmarkTrainStep$/^published",
        "threads": 2,
        "rounds": 5,
    },
}

# Waves: how far Deepwave may go in a step to take ours; bytes and operations of a cell and step at the least, forward and with
# the gradient. Acoustic: two fields and the courant number read, one written; three times that and the product of both ways. Elastic: five
# fields read and written, five materials read; twice that, two numbers kept and read again, and five of the gradient read and written.
WAVES = {
    "acoustic": {"courant": 0.8, "package": "./cuda/wave", "bench": "BenchmarkAcoustic", "bytes": (16, 48), "operations": (15, 32)},
    "elastic": {"courant": 0.65, "package": "./cuda/elastic", "bench": "BenchmarkElastic", "bytes": (60, 176), "operations": (60, 134)},
}
SIZES = {"70": 5, "512": 4}  # nodes a side, shots
KINDS = [f"{n}{kind}" for n in SIZES for kind in ("", "-gradient")]


def wave(what, kind):
    """The case of what ("acoustic", "elastic") and kind (KINDS)."""
    n, gradient = kind.removesuffix("-gradient"), kind.endswith("-gradient")

    def peers(args):
        threads = str(args.threads or 1)
        command = [f"{what}_deepwave.py", "--n", n, "--shots", str(SIZES[n]), "--threads", threads, "--repeats", "3" if n == "70" else "1"]
        if gradient:
            command.append("--gradient")
            if n == "512" and what == "elastic":  # of all shots Deepwave keeps 25 GB
                command += ["--together", threads]
        return [command, [*command, "--courant", str(WAVES[what]["courant"])]]

    return {
        "title": f"{what.capitalize()} waves{' and gradient' if gradient else ''}, {n} x {n} nodes, PML 20, order 4, {SIZES[n]} shots, 1000 steps",
        "peers": peers,
        "seconds": lambda r: r["seconds"],
        "cpu": lambda r: r["cpu_seconds"],
        "name": lambda r: f"Deepwave {r['deepwave']}, {r['inner']} step{'s' if r['inner'] > 1 else ''} for each of ours",
        "package": WAVES[what]["package"],
        "bench": f"^{WAVES[what]['bench']}$/^{'gradient' if gradient else 'forward'}-{n}x{n}$",
        "threads": 1,
        "rounds": 3 if n == "70" else 2,
    }


CASES |= {f"{what}-{kind}": wave(what, kind) for what in WAVES for kind in KINDS}


def peer(command, threads, args):
    env = dict(os.environ, **{f"{lib}_NUM_THREADS": str(threads) for lib in ("OMP", "MKL", "OPENBLAS")})
    script, *rest = command
    out = subprocess.run([args.python, str(ROOT / "bench" / script), *rest], env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def ours(case, binary, args):
    """Seconds per gradient or step (ms/item, ms/step) of every benchmark that matches, by name, with its processor seconds if it
    says them."""
    threads = args.threads or case["threads"]
    out = subprocess.run([binary, "-test.run", "^$", "-test.bench", case["bench"], "-test.benchtime", args.benchtime, "-test.cpu", str(threads)],
                         cwd=ROOT / case["package"], check=True, capture_output=True, text=True)
    found = {}
    for line in out.stdout.splitlines():
        if m := re.match(r"Benchmark(\S+?)(?:-\d+)?\s.*\s([0-9.]+) ms/(?:item|step)\b", line):
            cpu = re.search(r"\s([0-9.]+) cpu-ms/item", line)
            found[m[1]] = float(m[2]) * 1e-3, float(cpu[1]) * 1e-3 if cpu else None
    if not found:
        sys.exit(f"no benchmark matches {case['bench']} in {case['package']}:\n{out.stdout}")
    return found


def spread(theirs, mine):
    """The median ratio with the smallest and the largest."""
    ratios = sorted(t / s for t, s in zip(theirs, mine))
    return f"{statistics.median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def compare(name, args):
    """Runs a case and prints it. Returns a row for each of the peer's commands and each of our benchmarks: the peer's name, the
    benchmark, medians of both (wall, processor seconds or None), and the ratios of both kinds."""
    case = CASES[name]
    threads, rounds = args.threads or case["threads"], args.rounds or case["rounds"]
    binary = ROOT / ".cache" / f"bench-{Path(case['package']).name}.test"
    binary.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "test", "-c", "-o", str(binary), case["package"]], cwd=ROOT, check=True)
    theirs, mine = {}, {}  # (wall, cpu) of every round, by name
    print(f"{case['title']}, {threads} thread(s)", flush=True)
    for i in range(rounds):
        for command in case["peers"](args):
            answer = peer(command, threads, args)
            seconds = statistics.median(case["seconds"](answer)), statistics.median(case["cpu"](answer)) if "cpu" in case else None
            theirs.setdefault(case["name"](answer), []).append(seconds)
            print(f"round {i + 1}: {case['name'](answer)}: {1e3 * seconds[0]:.1f} ms", flush=True)
        for bench, seconds in ours(case, str(binary), args).items():
            mine.setdefault(bench, []).append(seconds)
            print(f"round {i + 1}: {bench}: {1e3 * seconds[0]:.1f} ms", flush=True)
    rows = []
    for bench, own in mine.items():
        for title, all in theirs.items():
            ratios = [spread(*times) if None not in times[0] + times[1] else None for times in zip(zip(*all), zip(*own))]
            middle = [tuple(None if None in x else statistics.median(x) for x in zip(*times)) for times in (all, own)]
            rows.append((title, bench, *middle, *ratios))
            print(f"{bench} ({1e3 * middle[1][0]:.1f} ms) is {ratios[0]} times as fast as {title} ({1e3 * middle[0][0]:.1f} ms)"
                  + (f", by processor time {ratios[1]}" if ratios[1] else "") + f"; medians of {rounds} rounds", flush=True)
    print(flush=True)
    return rows


def ceilings(threads):
    """What bench/ceilings.cc measures."""
    program = ROOT / ".cache" / "ceilings"
    program.parent.mkdir(exist_ok=True)
    subprocess.run(["g++", "-O3", "-march=native", "-pthread", "-o", str(program), str(ROOT / "bench/ceilings.cc")], check=True)
    return json.loads(subprocess.run([str(program), str(threads)], check=True, capture_output=True, text=True).stdout)


def waves(what, args):
    """Cases of acoustic or elastic waves, and how near they come to what bandwidth and arithmetic allow."""
    table, summary = [], []
    kinds = args.cases.split(",") if args.cases else KINDS
    for threads in [args.threads] if args.threads else [1, 2]:
        args.threads = threads
        before = ceilings(threads)
        own = {}
        for kind in kinds:
            rows = compare(f"{what}-{kind}", args)
            own[kind] = rows[0][3]
            size = kind.removesuffix("-gradient")
            about = f"{size} x {size}, {SIZES[size]} shots" if size == kind else "and gradient" if size in kinds else f"{size} x {size}, gradient"
            cells = [f"{1e3 * theirs[0]:.0f} ms | {ratio}" for _, _, theirs, _, _, ratio in rows]
            table.append(f"| {about} | {threads} | {1e3 * own[kind][0]:.0f} ms | {' | '.join(cells)} |")
        after = ceilings(threads)
        best = {k: max(before[k], after[k]) for k in before}
        summary += ["", f"{threads} thread(s): {best['gflops']:.0f} GFLOP/s; 3 reads and a write in L2 {best['l2']:.0f} GB/s, in a shot of 512 x 512 nodes "
                    f"{best['shot']:.0f}, in memory {best['memory']:.0f}; stores past the caches {best['stores']:.0f}", "",
                    "| Gcell/s | reached: wall, processor time | bandwidth allows | arithmetic allows | gradient in forward runs: wall, processor time |", "|---|---|---|---|---|"]
        for kind in kinds:
            size, gradient = kind.removesuffix("-gradient"), kind.endswith("-gradient")
            cells = (int(size) + 40) ** 2 * 1000 * SIZES[size] / 1e9
            forward = own.get(size) if gradient else None
            summary.append(f"| {'gradient' if gradient else 'forward'}, {size} x {size} | {cells / own[kind][0]:.2f}, {cells / own[kind][1] * threads:.2f} | "
                           f"{best['l2' if size == '70' else 'shot'] / WAVES[what]['bytes'][gradient]:.2g} | {best['gflops'] / WAVES[what]['operations'][gradient]:.2g} | "
                           + (f"{own[kind][0] / forward[0]:.2f}, {own[kind][1] / forward[1]:.2f}" if forward else "") + " |")
    print("Wall times; times as fast by processor time.\n\n| | threads | ours | Deepwave | times as fast | Deepwave, our steps | times as fast |\n|---|---|---|---|---|---|---|")
    print("\n".join(table + summary), flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("case", choices=[*CASES, *WAVES])
    parse.add_argument("--cases", help=f"some of acoustic's or elastic's, with commas: {', '.join(KINDS)}")
    parse.add_argument("--rounds", type=int, help="the default is the case's, 2 to 5")
    parse.add_argument("--threads", type=int, help="for both sides; the default is the case's, of acoustic and elastic 1 and then 2")
    parse.add_argument("--optimiser", choices=["fused", "foreach"], default="fused", help="PyTorch's Adam")
    parse.add_argument("--benchtime", default="2s")
    parse.add_argument("--python", default=sys.executable, help="interpreter that has the peer")
    args = parse.parse_args()
    if args.cases and (args.case not in WAVES or set(args.cases.split(",")) - set(KINDS)):
        parse.error(f"--cases {args.cases}: of {' and '.join(WAVES)} there are {', '.join(KINDS)}")
    if args.case in WAVES:
        waves(args.case, args)
    else:
        compare(args.case, args)


if __name__ == "__main__":
    main()
