"""Deepwave's acoustic propagator on one of the two set-ups that our own benchmark has: n x n nodes of 10 m, order 4, 20 nodes
of PML, 1000 steps of 1 ms, a 15 Hz Ricker wavelet, shots and n receivers in row 1. Prints one line of JSON: seconds and processor seconds of
each repeat, forward or forward and gradient.

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


def propagate(v, n, shots, steps, courant=None, margin=0):
    """Data (shots, receivers, steps) of v, the sources and receivers of n x n nodes lying margin nodes from its edges."""
    at = torch.zeros(shots, 1, 2, dtype=torch.long)
    at[:, 0, 0] = 1 + margin
    at[:, 0, 1] = torch.tensor(columns(n, shots)) + margin
    to = torch.zeros(shots, n, 2, dtype=torch.long)
    to[:, :, 0] = 1 + margin
    to[:, :, 1] = torch.arange(n) + margin
    q = deepwave.wavelets.ricker(PEAK_HZ, steps, STEP, DELAY).repeat(shots, 1, 1)
    return deepwave.scalar(v, SPACING, STEP, source_amplitudes=q, source_locations=at, receiver_locations=to, accuracy=4,
                           pml_width=PML, pml_freq=PEAK_HZ, max_vel=FASTEST, courant_number=courant)[-1]


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--n", type=int, default=70)
    parse.add_argument("--shots", type=int, default=5)
    parse.add_argument("--steps", type=int, default=1000)
    parse.add_argument("--threads", type=int, default=1)
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument("--courant", type=float)
    parse.add_argument("--gradient", action="store_true")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    v = layered(args.n)
    seconds, used = [], []
    for _ in range(args.repeats + 1):  # the first one warms up
        model = v.clone().requires_grad_(args.gradient)
        start, busy = time.perf_counter(), time.process_time()
        data = propagate(model, args.n, args.shots, args.steps, args.courant)
        if args.gradient:
            (data**2).sum().mul(0.5).backward()
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - busy)
        del data
    print(json.dumps({"deepwave": getattr(deepwave, "__version__", "?"), "torch": torch.__version__, "seconds": seconds[1:], "cpu_seconds": used[1:]}))


if __name__ == "__main__":
    main()
