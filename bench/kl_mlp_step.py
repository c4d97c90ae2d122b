#!/usr/bin/env python3
"""A training step of the memorisation study's published network in PyTorch (CPU), the peer of BenchmarkStep in cuda/nn.

The network, batch and optimiser of cuda/nn/bench_test.go: 356 -> 2048, 12 residual blocks x + GELU(LayerNorm(Linear(x))),
-> 100; 51 341 412 parameters, batch 50; gradient norm clipped at 1, Adam, moving average of the weights. PyTorch at its
best: the fused Adam, foreach clipping and averaging, set_to_none, denormals flushed.

    bench/kl_mlp_step.py [--threads 2] [--steps 10]

Prints medians in milliseconds; "cpu" is the time used on all cores, which tells a slow library from a busy machine.
"""
import argparse
import statistics
import time

import torch
from torch import nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return x + functional.gelu(self.norm(self.linear(x)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)

    net = nn.Sequential(nn.Linear(356, 2048), nn.GELU(), *[Block(2048) for _ in range(12)], nn.Linear(2048, 100))
    parameters = list(net.parameters())
    count = sum(p.numel() for p in parameters)
    assert count == 51341412, count
    average = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.Adam(parameters, lr=5e-4, fused=True)
    x, target = torch.randn(50, 356), torch.randn(50, 100)

    times = {"gradient": [], "clip": [], "adam": [], "average": [], "whole": [], "cpu": []}
    for step in range(args.steps + 3):
        t0, cpu = time.perf_counter(), time.process_time()
        optimiser.zero_grad(set_to_none=True)
        loss = ((net(x) - target) ** 2).sum(dim=1).mean()
        loss.backward()
        t1 = time.perf_counter()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        t2 = time.perf_counter()
        optimiser.step()
        t3 = time.perf_counter()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1e-4)
        t4 = time.perf_counter()
        if step >= 3:
            for name, seconds in zip(times, (t1 - t0, t2 - t1, t3 - t2, t4 - t3, t4 - t0, time.process_time() - cpu)):
                times[name].append(seconds)
    print(f"PyTorch {torch.__version__}, {args.threads} threads, {count} parameters, median of {args.steps}:")
    for name, all_of in times.items():
        print(f"  {name:10s} {1e3 * statistics.median(all_of):8.1f} ms   (least {1e3 * min(all_of):.1f})")


if __name__ == "__main__":
    main()
