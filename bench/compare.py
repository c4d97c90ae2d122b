"""Puts our benchmarks beside their peers in one run: rounds of peer and ours in turn, on the same threads, and prints the
ratio of the medians with its spread.

    python3 bench/compare.py helmholtz       # gradient of the published set-up beside SciPy's SuperLU, one core
    python3 bench/compare.py mlp             # training step of the published network beside PyTorch, two threads
    python3 bench/compare.py acoustic-70     # waves of one model, and with the gradient (acoustic-70-gradient; also 512)
    python3 bench/compare.py acoustic        # all four, one thread and two, between the machine's ceilings

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

# What is compared: the peer's script with its arguments, how its answer becomes seconds, and our Go benchmark.
CASES = {
    "helmholtz": {
        "title": "Gradient, published set-up (200 x 200 cells, PML 30, 6 Hz, 15 sources, 196 receivers), one core",
        "peer": lambda a: ["helmholtz_superlu.py", "--repeats", "2"],
        "seconds": lambda r: [s["total"] for s in r["seconds"]],
        "name": lambda r: f"SciPy {r['scipy']} SuperLU, complex128",
        "package": "./plugins/solvers/helmholtz",
        "bench": "^BenchmarkGradient$/^published",
        "threads": 1,
    },
    "mlp": {
        "title": "Training step, published network (51 341 412 parameters, batch 50, Adam, clipping, EMA)",
        "peer": lambda a: ["mlp_torch.py", "--threads", str(a.threads or 2), "--optimiser", a.optimiser],
        "seconds": lambda r: [s / 1e3 for s in r["milliseconds"]],
        "name": lambda r: f"PyTorch {r['torch']}, {r['optimiser']} Adam",
        "package": "./core/nn",
        "bench": "^BenchmarkTrainStep$/^published",
        "threads": 2,
    },
} | {
    f"acoustic-{n}{'-gradient' if gradient else ''}": {
        "title": f"Acoustic waves{' and gradient' if gradient else ''}, {n} x {n} nodes, PML 20, order 4, {shots} shots, 1000 steps",
        "peer": lambda a, n=n, shots=shots, gradient=gradient: [
            "acoustic_deepwave.py", "--n", str(n), "--shots", str(shots), "--threads", str(a.threads or 1)] + ["--gradient"] * gradient,
        "seconds": lambda r: r["seconds"],
        "cpu": lambda r: r["cpu_seconds"],
        "name": lambda r: f"Deepwave {r['deepwave']}",
        "package": "./cuda/wave",
        "bench": f"^BenchmarkAcoustic$/^{'gradient' if gradient else 'forward'}-{n}$",
        "threads": 1,
    }
    for n, shots in ((70, 5), (512, 4)) for gradient in (False, True)
}
ACOUSTIC = [name for name in CASES if name.startswith("acoustic")]


def peer(case, args):
    env = dict(os.environ, **{f"{lib}_NUM_THREADS": str(args.threads or case["threads"]) for lib in ("OMP", "MKL", "OPENBLAS")})
    script, *rest = case["peer"](args)
    out = subprocess.run([args.python, str(ROOT / "bench" / script), *rest], env=env, check=True, capture_output=True, text=True)
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
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def compare(name, args):
    """Runs a case and prints it; returns the medians of the benchmarks' seconds and processor seconds."""
    case = CASES[name]
    binary = ROOT / ".cache" / f"bench-{Path(case['package']).name}.test"
    binary.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "test", "-c", "-o", str(binary), case["package"]], cwd=ROOT, check=True)
    theirs, busy, mine, title = [], [], {}, ""
    for i in range(args.rounds):
        answer = peer(case, args)
        title = case["name"](answer)
        theirs.append(statistics.median(case["seconds"](answer)))
        busy.append(statistics.median(case["cpu"](answer)) if "cpu" in case else None)
        print(f"round {i + 1}: {title}: {1e3 * theirs[-1]:.1f} ms", flush=True)
        for bench, seconds in ours(case, str(binary), args).items():
            mine.setdefault(bench, []).append(seconds)
            print(f"round {i + 1}: {bench}: {1e3 * seconds[0]:.1f} ms", flush=True)
    print(f"\n{case['title']}, {args.threads or case['threads']} thread(s), medians of {args.rounds} rounds")
    print(f"| {title} | {1e3 * statistics.median(theirs):.1f} ms | 1 |")
    medians = {}
    for bench, all in mine.items():
        wall, cpu = zip(*all)
        by_cpu = f", by processor time {spread(busy, cpu)}" if "cpu" in case else ""
        print(f"| {bench} | {1e3 * statistics.median(wall):.1f} ms | {spread(theirs, wall)} times as fast{by_cpu} |", flush=True)
        medians[bench] = statistics.median(wall), statistics.median(cpu) if "cpu" in case else None
    return medians


def ceilings(threads):
    """What bench/ceilings.cc measures."""
    program = ROOT / ".cache" / "ceilings"
    program.parent.mkdir(exist_ok=True)
    subprocess.run(["g++", "-O3", "-march=native", "-pthread", "-o", str(program), str(ROOT / "bench/ceilings.cc")], check=True)
    return json.loads(subprocess.run([str(program), str(threads)], check=True, capture_output=True, text=True).stdout)


def acoustic(args):
    """All acoustic cases, and how near they come to what bandwidth and arithmetic allow."""
    for threads in [args.threads] if args.threads else [1, 2]:
        args.threads = threads
        before = ceilings(threads)
        medians = {}
        for name in ACOUSTIC:
            medians[name] = next(iter(compare(name, args).values()))
            print()
        after = ceilings(threads)
        best = {k: max(before[k], after[k]) for k in before}
        print(f"{threads} thread(s): {best['gflops']:.0f} GFLOP/s; 3 reads and a write in L2 {best['l2']:.0f} GB/s, in a shot of 512 x 512 nodes "
              f"{best['shot']:.0f}, in memory {best['memory']:.0f}; stores past the caches {best['stores']:.0f}")
        print("| case | Gcell/s | bandwidth allows | arithmetic allows | gradient in forwards, by wall and by processor time |")
        for n, shots, where in ((70, 5, "l2"), (512, 4, "shot")):
            cells = (n + 40) ** 2 * 1000 * shots / 1e9
            forward, gradient = medians[f"acoustic-{n}"], medians[f"acoustic-{n}-gradient"]
            # 16 bytes and 15 operations a cell; with the gradient 48 and 32: forward, transpose, and their product.
            print(f"| forward, {n} | {cells / forward[0]:.2f} | {best[where] / 16:.1f} | {best['gflops'] / 15:.1f} | |")
            print(f"| gradient, {n} | {cells / gradient[0]:.2f} | {best[where] / 48:.1f} | {best['gflops'] / 32:.1f} | "
                  f"{gradient[0] / forward[0]:.2f}, {gradient[1] / forward[1]:.2f} |", flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("case", choices=[*CASES, "acoustic"])
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--threads", type=int, help="for both sides; the default is the case's")
    parse.add_argument("--optimiser", choices=["fused", "foreach"], default="fused", help="PyTorch's Adam")
    parse.add_argument("--benchtime", default="2s")
    parse.add_argument("--python", default=sys.executable, help="interpreter that has the peer")
    args = parse.parse_args()
    if args.case == "acoustic":
        acoustic(args)
    else:
        compare(args.case, args)


if __name__ == "__main__":
    main()
