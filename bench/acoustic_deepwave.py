"""Deepwave's acoustic propagator on one of the two set-ups that our own benchmark has: n x n nodes of 10 m, order 4, 20 nodes
of PML, 1000 steps of 1 ms, a 15 Hz Ricker wavelet, shots and n receivers in row 1. Prints one line of JSON: seconds and processor seconds of
each repeat, forward or forward and gradient.

    python3 bench/acoustic_deepwave.py --n 70 --shots 5 --threads 1 [--gradient]
"""

import argparse
import json
import time

import deepwave
import torch


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--n", type=int, default=70)
    parse.add_argument("--shots", type=int, default=5)
    parse.add_argument("--steps", type=int, default=1000)
    parse.add_argument("--threads", type=int, default=1)
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument("--gradient", action="store_true")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    n, shots, dt = args.n, args.shots, 1e-3

    depth = torch.arange(n, dtype=torch.float32) / n
    v = (1500 + 3000 * depth)[:, None].expand(n, n).contiguous()
    at = torch.zeros(shots, 1, 2, dtype=torch.long)
    at[:, 0, 0] = 1
    at[:, 0, 1] = torch.tensor([(n - 1) * k // max(1, shots - 1) for k in range(shots)])
    to = torch.zeros(shots, n, 2, dtype=torch.long)
    to[:, :, 0] = 1
    to[:, :, 1] = torch.arange(n)
    q = deepwave.wavelets.ricker(15, args.steps, dt, 0.073).repeat(shots, 1, 1)
    seconds, used = [], []
    for _ in range(args.repeats + 1):  # the first one warms up
        model = v.clone().requires_grad_(args.gradient)
        start, busy = time.perf_counter(), time.process_time()
        data = deepwave.scalar(model, 10.0, dt, source_amplitudes=q, source_locations=at, receiver_locations=to,
                               accuracy=4, pml_width=20, pml_freq=15.0, max_vel=4500.0)[-1]
        if args.gradient:
            (data**2).sum().mul(0.5).backward()
        seconds.append(time.perf_counter() - start)
        used.append(time.process_time() - busy)
    print(json.dumps({"deepwave": getattr(deepwave, "__version__", "?"), "torch": torch.__version__, "seconds": seconds[1:], "cpu_seconds": used[1:]}))


if __name__ == "__main__":
    main()
