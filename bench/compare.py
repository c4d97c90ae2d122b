"""Puts our benchmarks beside their peers in one run: rounds of peer and ours in turn, on the same threads, and prints the
ratio of the medians with its spread.

    python3 bench/compare.py helmholtz       # gradient of the published set-up beside SciPy's SuperLU, one core
    python3 bench/compare.py mlp             # training step of the published network beside PyTorch, two threads
    python3 bench/compare.py acoustic-70     # waves of one model, and with the gradient (acoustic-70-gradient; also 512)

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
        "name": lambda r: f"Deepwave {r['deepwave']}",
        "package": "./cuda/wave",
        "bench": f"^BenchmarkAcoustic$/^{'gradient' if gradient else 'forward'}-{n}$",
        "threads": 1,
    }
    for n, shots in ((70, 5), (512, 4)) for gradient in (False, True)
}


def peer(case, args):
    env = dict(os.environ, **{f"{lib}_NUM_THREADS": str(args.threads or case["threads"]) for lib in ("OMP", "MKL", "OPENBLAS")})
    script, *rest = case["peer"](args)
    out = subprocess.run([args.python, str(ROOT / "bench" / script), *rest], env=env, check=True, capture_output=True, text=True)
    return json.loads(out.stdout.splitlines()[-1])


def ours(case, binary, args):
    """Seconds per gradient or step (ms/item, ms/step) of every benchmark that matches, by name."""
    threads = args.threads or case["threads"]
    out = subprocess.run([binary, "-test.run", "^$", "-test.bench", case["bench"], "-test.benchtime", args.benchtime, "-test.cpu", str(threads)],
                         cwd=ROOT / case["package"], check=True, capture_output=True, text=True)
    found = {}
    for line in out.stdout.splitlines():
        if m := re.match(r"Benchmark(\S+?)(?:-\d+)?\s.*\s([0-9.]+) ms/(?:item|step)\b", line):
            found[m[1]] = float(m[2]) * 1e-3
    if not found:
        sys.exit(f"no benchmark matches {case['bench']} in {case['package']}:\n{out.stdout}")
    return found


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("case", choices=CASES)
    parse.add_argument("--rounds", type=int, default=5)
    parse.add_argument("--threads", type=int, help="for both sides; the default is the case's")
    parse.add_argument("--optimiser", choices=["fused", "foreach"], default="fused", help="PyTorch's Adam")
    parse.add_argument("--benchtime", default="2s")
    parse.add_argument("--python", default=sys.executable, help="interpreter that has the peer")
    args = parse.parse_args()
    case = CASES[args.case]

    binary = ROOT / ".cache" / f"bench-{args.case}.test"
    binary.parent.mkdir(exist_ok=True)
    subprocess.run(["go", "test", "-c", "-o", str(binary), case["package"]], cwd=ROOT, check=True)
    theirs, mine, name = [], {}, ""
    for i in range(args.rounds):
        answer = peer(case, args)
        name = case["name"](answer)
        theirs.append(statistics.median(case["seconds"](answer)))
        print(f"round {i + 1}: {name}: {1e3 * theirs[-1]:.1f} ms", flush=True)
        for bench, seconds in ours(case, str(binary), args).items():
            mine.setdefault(bench, []).append(seconds)
            print(f"round {i + 1}: {bench}: {1e3 * seconds:.1f} ms", flush=True)
    print(f"\n{case['title']}, {args.threads or case['threads']} thread(s), medians of {args.rounds} rounds")
    print(f"| {name} | {1e3 * statistics.median(theirs):.1f} ms | 1 |")
    for bench, seconds in mine.items():
        ratios = sorted(t / s for t, s in zip(theirs, seconds))
        print(f"| {bench} | {1e3 * statistics.median(seconds):.1f} ms | {statistics.median(ratios):.2f} times as fast ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")


if __name__ == "__main__":
    main()
