"""Deepwave's acoustic propagator on one of the two set-ups that our own benchmark has: n x n nodes of 10 m, order 4, 20 nodes
of PML, 1000 steps of 1 ms, a 15 Hz Ricker wavelet, shots and n receivers in row 1. Prints one line of JSON: seconds and processor seconds of
each repeat, forward or forward and gradient, and how many inner steps Deepwave took for each of ours.

    python3 bench/acoustic_deepwave.py --n 70 --shots 5 --threads 1 [--gradient]

--courant is how far Deepwave may go in one of its inner steps: of its own (0.6) it takes two steps of 0.5 ms for each of ours;
with 0.8 it takes the same ones.
"""

import argparse
import json
import time

import deepwave
import torch

SPACING, STEP, PEAK_HZ, DELAY, FASTEST, PML = 10.0, 1e-3, 15.0, 0.073, 4500.0, 20


def layered(n):
    """The benchmark's model (n, n): 1500 to 4500 m/s, faster with depth."""
    depth = torch.arange(n, dtype=torch.float32) / n
    return (1500 + 3000 * depth)[:, None].expand(n, n).contiguous()


def columns(n, shots):
    """Where the shots are in row 1."""
    return [(n - 1) * k // max(1, shots - 1) for k in range(shots)]


def spots(shots, places):
    """Deepwave's locations (shots, places, 2) of a list [(row, column), ...] for every shot, or of a list of such lists."""
    each = places if isinstance(places[0], list) else [places] * shots
    return torch.tensor(each, dtype=torch.long)


def propagate(v, n, at, steps, courant=None, margin=0):
    """What Deepwave answers for v and shots in columns `at`, data (shots, receivers, steps) last; the sources and receivers of
    n x n nodes lie margin nodes from its edges."""
    q = deepwave.wavelets.ricker(PEAK_HZ, steps, STEP, DELAY).repeat(len(at), 1, 1)
    return deepwave.scalar(v, SPACING, STEP, source_amplitudes=q, source_locations=spots(len(at), [[(1 + margin, i + margin)] for i in at]),
                           receiver_locations=spots(len(at), [(1 + margin, i + margin) for i in range(n)]), accuracy=4,
                           pml_width=PML, pml_freq=PEAK_HZ, max_vel=FASTEST, courant_number=courant)


def measure(doc, earth, answer, data):
    """The command line of a peer's script: times answer(*earth(n), n, columns, steps, courant), of which data() picks the data, and
    with --gradient that of half their sum of squares with respect to all of earth(n), shots `together` at a time."""
    parse = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--n", type=int, default=70)
    parse.add_argument("--shots", type=int, default=5)
    parse.add_argument("--together", type=int, help="shots in a call, where memory does not hold what Deepwave keeps of all; default all")
    parse.add_argument("--steps", type=int, default=1000)
    parse.add_argument("--threads", type=int, default=1)
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument("--courant", type=float, help="how far Deepwave may go in one of its inner steps; its own limit by default")
    parse.add_argument("--gradient", action="store_true")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    at, together = columns(args.n, args.shots), args.together or args.shots
    seconds, used, inner = [], [], 0
    for repeat in range(args.repeats + 1):
        steps = args.steps if repeat else min(args.steps, 20)  # the first one warms up
        start, busy = time.perf_counter(), time.process_time()
        models = [m.requires_grad_(args.gradient) for m in earth(args.n)]
        for k in range(0, args.shots, together):
            out = answer(*models, args.n, at[k:k + together], steps, args.courant)
            if args.gradient:
                sum((d**2).sum() for d in data(out)).mul(0.5).backward()
            inner = out.info.step_ratio
            del out
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - busy)
    print(json.dumps({"deepwave": getattr(deepwave, "__version__", "?"), "torch": torch.__version__, "inner": inner,
                      "seconds": seconds[1:], "cpu_seconds": used[1:]}))


if __name__ == "__main__":
    measure(__doc__, lambda n: [layered(n)], propagate, lambda out: [out[-1]])
