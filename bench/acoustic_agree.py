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
preset = "none"
order = 4
precision = "float32"
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

    def __init__(self, args, folder, text):
        self.command, self.folder = str(args.waveprior), Path(folder)
        self.file = self.folder / "solver.toml"
        self.file.write_text(text)

    def run(self, what, model, *more):
        at, out = self.folder / "model.npy", self.folder / f"{what}.npy"
        np.save(at, model)
        done = subprocess.run([self.command, what, str(self.file), "--model", str(at), "--out", str(out), *more], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"waveprior {what}: {done.stderr}")
        return np.load(out).astype(np.float64)

    def data(self, model):
        """(components, shots, receivers, steps)"""
        return np.moveaxis(self.run("forward", model)[0], 2, 3)

    def gradient(self, model, observed):
        """of 1/2 |data - observed|^2, (fields, nz, nx)"""
        at = self.folder / "observed.npy"
        np.save(at, np.moveaxis(observed, 3, 2).astype(np.float32))
        g = self.run("gradient", model, "--data", str(at), "--noise-std", "1")
        return g.reshape(-1, *g.shape[-2:])


def setup(args, folder, n, shots, steps, margin=0):
    h = peer.SPACING
    z, first = h * (1 + margin), h * margin
    return Ours(args, folder, SOLVER.format(
        dt=peer.STEP, nt=steps, nz=n + 2 * margin, h=h, cells=peer.PML, fastest=peer.FASTEST, hz=peer.PEAK_HZ,
        delay=peer.DELAY, sources=[[z, h * (c + margin)] for c in peer.columns(n, shots)], z=z, first=first, last=first + h * (n - 1), n=n))


def theirs(v, n, shots, *more):
    """Deepwave's data (shots, receivers, steps)."""
    return peer.propagate(v, n, peer.columns(n, shots), *more)[-1]


def exact(tensor):
    return tensor.detach().numpy().astype(np.float64)


def apart(a, b):
    return ((a - b) ** 2).sum() / (b**2).sum(), (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


def agree(args, n, shots, steps):
    v = peer.layered(n)
    with tempfile.TemporaryDirectory() as folder:
        ours = setup(args, folder, n, shots, steps)
        d = ours.data(v.numpy())
        g = ours.gradient(v.numpy(), np.zeros_like(d))[0]
    for courant, what in ((0.8, "same steps"), (None, "Deepwave's own: two steps of 0.5 ms")):
        model = v.clone().requires_grad_()
        out = theirs(model, n, shots, steps, courant)
        (out**2).sum().mul(0.5).backward()
        b = exact(out)[:, :, 1:] / -peer.SPACING**2
        print(f"| {n} x {n}, {shots} shots, {what} | {'%.2e | %.8f' % apart(d[0, :, :, :-1], b)} | {'%.2e | %.8f' % apart(g, exact(model.grad) / peer.SPACING**4)} |", flush=True)


def reach(fastest, steps):
    """Nodes around a grid from beyond which nothing comes back in time."""
    return int(np.ceil(fastest * steps * peer.STEP / peer.SPACING / 2)) + 5


def widened(field, margin):
    """The tensor (nz, nx) with its edge continued."""
    return torch.nn.functional.pad(field[None, None], [margin] * 4, mode="replicate")[0, 0].contiguous()


def absorb(args, n, shots, steps, v):
    """v is one number or the layered model."""
    margin = reach(v or peer.FASTEST, steps)
    small = peer.layered(n) if v is None else torch.full((n, n), float(v))
    large = widened(small, margin)
    with tempfile.TemporaryDirectory() as folder:
        ours = apart(*(setup(args, folder, n, shots, steps, k).data(m.numpy()) for m, k in ((small, 0), (large, margin))))[0]
    left = []
    for courant in (0.8, None):
        left.append(apart(*(exact(theirs(m, n, shots, steps, courant, k)) for m, k in ((small, 0), (large, margin))))[0])
    print(f"| {n} x {n}, {'1500 to 4500' if v is None else v} m/s, {steps} steps | {ours:.2e} | {left[0]:.2e} | {left[1]:.2e} |", flush=True)


def arguments(doc):
    """The command line of a script that compares the two."""
    parse = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--waveprior", type=Path, default=ROOT / "bin/waveprior", help="the command, beside its plugins")
    parse.add_argument("--threads", type=int, default=1, help="of Deepwave")
    args = parse.parse_args()
    torch.set_num_threads(args.threads)
    return args


def main():
    args = arguments(__doc__)
    print("| against Deepwave | NMSE of the data | correlation | NMSE of the gradient | correlation |\n|---|---|---|---|---|")
    for n, shots in ((70, 5), (512, 4)):
        agree(args, n, shots, 1000)
    print("\n| energy that 20 nodes of boundary leave | ours | Deepwave, same steps | Deepwave's own steps |\n|---|---|---|---|")
    for v in (1500, 4000, None):
        absorb(args, 70, 5, 500, v)


if __name__ == "__main__":
    main()
