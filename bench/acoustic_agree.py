"""Puts seismograms, gradients and boundaries of our acoustic solver beside Deepwave's: the same grid, order, boundary width and
wavelet; both in float32.

    python3 bench/acoustic_agree.py [--waveprior bin/waveprior]

Ours come from `waveprior forward` and `waveprior gradient`. What is known to differ and accounted for: Deepwave's source is
-v^2 f where ours is v^2 q/h^2, so its data are -h^2 times ours; its sample n is the field at n dt, ours at (n + 1) dt.

Measures: NMSE = |a - b|^2/|b|^2 and correlation <a, b>/(|a||b|) over all traces of all shots, b Deepwave's. Absorption: the same of
the data on the grid with 20 nodes of boundary, b the same program's data where the grid is so large that no boundary answers
in time: the energy that the boundary leaves.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch

import acoustic_deepwave as peer

ROOT = Path(__file__).resolve().parent.parent

SOLVER = """
[solver]
plugin = "acoustic"
order = 4
precision = "{precision}"
dt_s = {dt}
nt = {nt}
grid = {{ nz = {nz}, nx = {nz}, spacing_m = {h} }}
boundary = {{ kind = "cpml", cells = {cells}, velocity_m_s = {fastest} }}
wavelet = {{ kind = "ricker", peak_hz = {hz}, delay_s = {delay} }}
sources = {{ positions_m = {sources} }}
receivers = {{ z_m = {z}, x_first_m = {first}, x_last_m = {last}, count = {n} }}
"""


class Ours:
    """Our solver on one set-up, in a folder of its own."""

    def __init__(self, args, folder, n, shots, steps, margin=0, precision="float32"):
        self.command, self.folder = str(args.waveprior), Path(folder)
        h = peer.SPACING
        z, first = h * (1 + margin), h * margin
        self.file = self.folder / "solver.toml"
        self.file.write_text(SOLVER.format(
            precision=precision, dt=peer.STEP, nt=steps, nz=n + 2 * margin, h=h, cells=peer.PML, fastest=peer.FASTEST, hz=peer.PEAK_HZ,
            delay=peer.DELAY, sources=[[z, h * (c + margin)] for c in peer.columns(n, shots)], z=z, first=first, last=first + h * (n - 1), n=n))

    def run(self, what, v, *more):
        model, out = self.folder / "model.npy", self.folder / f"{what}.npy"
        np.save(model, v.numpy())
        subprocess.run([self.command, what, str(self.file), "--model", str(model), "--out", str(out), *more], check=True, capture_output=True, text=True)
        return np.load(out).astype(np.float64)

    def data(self, v):
        """(shots, receivers, steps)"""
        return np.moveaxis(self.run("forward", v)[0, 0], 1, 2)

    def gradient(self, v):
        """of 1/2 |data|^2"""
        zero = self.folder / "zero.npy"
        np.save(zero, np.zeros_like(self.run("forward", v)[0], dtype=np.float32))
        return np.squeeze(self.run("gradient", v, "--data", str(zero), "--noise-std", "1"))


def apart(a, b):
    return ((a - b) ** 2).sum() / (b**2).sum(), (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


def agree(args, n, shots, steps):
    v = peer.layered(n)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(args, folder, n, shots, steps)
        d, g = ours.data(v)[:, :, :-1], ours.gradient(v)
    for courant, what in ((0.8, "same steps"), (None, "Deepwave's own: two steps of 0.5 ms")):
        model = v.clone().requires_grad_()
        theirs = peer.propagate(model, n, shots, steps, courant)
        (theirs**2).sum().mul(0.5).backward()
        b = theirs.detach().numpy().astype(np.float64)[:, :, 1:] / -peer.SPACING**2
        print(f"| {n} x {n}, {shots} shots, {what} | {'%.2e | %.8f' % apart(d, b)} | {'%.2e | %.8f' % apart(g, model.grad.numpy().astype(np.float64) / peer.SPACING**4)} |", flush=True)


def absorb(args, n, shots, steps, v):
    """v is one number or the layered model."""
    margin = int(np.ceil((v or peer.FASTEST) * steps * peer.STEP / peer.SPACING / 2)) + 5
    small = peer.layered(n) if v is None else torch.full((n, n), float(v))
    large = torch.nn.functional.pad(small[None, None], [margin] * 4, mode="replicate")[0, 0].contiguous()
    with tempfile.TemporaryDirectory() as folder:
        ours = apart(Ours(args, folder, n, shots, steps).data(small), Ours(args, folder, n, shots, steps, margin).data(large))[0]
    left = []
    for courant in (0.8, None):
        theirs = [peer.propagate(m, n, shots, steps, courant, k).numpy().astype(np.float64) for m, k in ((small, 0), (large, margin))]
        left.append(apart(*theirs)[0])
    print(f"| {n} x {n}, {'1500 to 4500' if v is None else v} m/s, {steps} steps | {ours:.2e} | {left[0]:.2e} | {left[1]:.2e} |", flush=True)


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--waveprior", type=Path, default=ROOT / "bin/waveprior", help="the command, beside its plugins")
    parse.add_argument("--threads", type=int, default=1)
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    print("| against Deepwave | NMSE of the data | correlation | NMSE of the gradient | correlation |\n|---|---|---|---|---|")
    for n, shots in ((70, 5), (512, 4)):
        agree(args, n, shots, 1000)
    print("\n| energy that 20 nodes of boundary leave | ours | Deepwave, same steps | Deepwave's own steps |\n|---|---|---|---|")
    for v in (1500, 4000, None):
        absorb(args, 70, 5, 500, v)


if __name__ == "__main__":
    main()
