"""One training step of the memorisation study's network in PyTorch at its best on a CPU: 51 341 412 parameters, batch 50,
Adam, clipping by the global norm, EMA. Prints one JSON line: milliseconds of every timed step, parameters, versions.
"""

import argparse
import json
import math
import time

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear, self.norm = nn.Linear(width, width), nn.LayerNorm(width)

    def forward(self, x):
        return x + nn.functional.gelu(self.norm(self.linear(x)))


class Net(nn.Module):
    def __init__(self, d, width, blocks):
        super().__init__()
        self.enter = nn.Linear(d + 256, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.leave = nn.Linear(width, d)

    def forward(self, x, embedding):
        h = nn.functional.gelu(self.enter(torch.cat([x, embedding], 1)))
        for block in self.blocks:
            h = block(h)
        return self.leave(h)


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--threads", type=int, default=2)
    parse.add_argument("--steps", type=int, default=12)
    parse.add_argument("--warm-up", type=int, default=3)
    parse.add_argument("--optimiser", choices=["fused", "foreach"], default="fused")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    d, levels = 100, 200
    net = Net(d, 2048, 12)
    parameters = list(net.parameters())
    average = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.Adam(parameters, lr=5e-4, **{args.optimiser: True})
    alphabar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, levels), 0)
    frequency = torch.exp(-torch.arange(128) * math.log(1e4) / 127)
    data = torch.randn(50, d)
    times = []
    for step in range(args.warm_up + args.steps):
        start = time.perf_counter()
        t = torch.randint(0, levels, (50,))
        noise = torch.randn(50, d)
        angle = t[:, None] * frequency
        x = alphabar[t].sqrt()[:, None] * data + (1 - alphabar[t]).sqrt()[:, None] * noise
        loss = ((net(x, torch.cat([angle.sin(), angle.cos()], 1)) - noise) ** 2).sum(1).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0, foreach=True)
        optimiser.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(0.9999, (1 + step) / (10 + step)))
        if step >= args.warm_up:
            times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({"torch": torch.__version__, "threads": args.threads, "optimiser": args.optimiser,
                      "parameters": sum(p.numel() for p in parameters), "milliseconds": times}))


if __name__ == "__main__":
    main()
