"""Puts seismograms, gradients and boundaries of our elastic solver beside Deepwave's: the same grid, order, boundary width and
wavelet; both in float32.

    python3 bench/elastic_agree.py [--waveprior bin/waveprior]

Both have the same staggered grid (normal stresses on the nodes, vx half a node right, vz half a node below) and the same means (the
density of two nodes, the harmonic mean of four moduli). What is known to differ and accounted for: Deepwave's force is a density, ours
a force on a cell; its velocities are sampled half an inner step after its forces and its sample n is our row n - 1, so its wavelet is
sampled so much later that both mean the same times; and ours are recorded anywhere, so here where Deepwave has vx and where it has
vz.

Measures are those of acoustic_agree.py. The gradient is that of half the sum of squares of vx and vz. Absorption: also the
largest difference over the largest datum.
"""

import tempfile

import numpy as np
import torch

import acoustic_deepwave as line
import elastic_deepwave as peer
from acoustic_agree import Ours, apart, arguments, exact, reach, widened

SOLVER = """
[solver]
plugin = "elastic"
preset = "none"
order = 4
dt_s = {dt}
nt = {nt}
vp_max_m_s = {fastest}
grid = {{ nz = {nz}, nx = {nz}, spacing_m = {h} }}
boundary = {{ cells = {cells} }}
wavelet = {{ kind = "ricker", peak_hz = {hz}, delay_s = {delay} }}
source = {{ kind = "force", direction_zx = [1.0, 0.0] }}
sources = {{ positions_m = {sources} }}
receivers = {{ positions_m = {receivers} }}
"""


def setup(args, folder, n, shots, steps, margin=0):
    """Receivers where the grid has vx, then where it has vz."""
    h, z = line.SPACING, 1 + margin
    sources = [[h * (z + 0.5), h * (i + margin)] for i in line.columns(n, shots)]
    receivers = [[h * (z + down), h * (i + margin + right)] for down, right in ((0, 0.5), (0.5, 0)) for i in range(n - 1)]
    return Ours(args, folder, SOLVER.format(dt=line.STEP, nt=steps, nz=n + 2 * margin, h=h, cells=line.PML, fastest=line.FASTEST,
                                            hz=line.PEAK_HZ, delay=line.DELAY, sources=sources, receivers=receivers))


def picked(d, n):
    """vx and vz (2, shots, receivers, steps) where the grid has them, of what our receivers have."""
    return np.stack([d[0, :, : n - 1], d[1, :, n - 1 :]])


def theirs(earth, n, shots, steps, courant, margin=0):
    """Deepwave's vx and vz; --courant 0.65 takes one step for each of ours, its own choice is two."""
    inner = 2 if courant is None else 1
    out = peer.propagate(*earth, n, line.columns(n, shots), steps, courant, margin, 0.5 / inner, peak=line.SPACING**-2)
    if out.info.step_ratio != inner:
        raise SystemExit(f"Deepwave takes {out.info.step_ratio} steps, not {inner}")
    return torch.stack([out[-1], out[-2]])


def smooth(n, density):
    """vp 2300 to 3900 m/s, vs 0.52 to 0.58 of it, rho constant or 1900 to 2500 kg/m3, each with hills of its own."""
    z, x = torch.meshgrid(torch.linspace(0, 1, n), torch.linspace(0, 1, n), indexing="ij")
    wave = lambda a, b, c: torch.sin(6.28 * (a * z + b * x + c))
    vp = 3100 + 500 * (2 * z - 1) + 300 * wave(1, 1.5, 0.1)
    return [vp, vp * (0.55 + 0.03 * wave(1.2, -1, 0.3)), 2200 + (300 * wave(-1, 1.3, 0.7) if density else torch.zeros_like(vp))]


def rough(n):
    """Every node its own: vp 2500 to 3800 m/s, vs 0.5 to 0.6 of it, rho 1900 to 2500 kg/m3."""
    draw = torch.Generator().manual_seed(1)
    u = [torch.rand(n, n, generator=draw) for _ in range(3)]
    vp = 2500 + 1300 * u[0]
    return [vp, vp * (0.5 + 0.1 * u[1]), 1900 + 600 * u[2]]


def layers(n, upper, lower):
    return [torch.cat([torch.full((n // 2, n), float(a)), torch.full((n - n // 2, n), float(b))]) for a, b in zip(upper, lower)]


def agree(args, what, earth, shots, steps):
    n = earth[0].shape[0]
    model = torch.stack(earth).numpy()
    with tempfile.TemporaryDirectory() as folder:
        ours = setup(args, folder, n, shots, steps)
        all = ours.data(model)
        observed = all.copy()  # a residual of 0 where Deepwave has no receiver
        observed[0, :, : n - 1] = observed[1, :, n - 1 :] = 0
        d, g = picked(all, n)[..., :-1], ours.gradient(model, observed)
    for courant, steps_of in ((0.65, "same steps"), (None, "Deepwave's own: two steps of 0.5 ms")):
        fields = [m.clone().requires_grad_() for m in earth]
        out = theirs(fields, n, shots, steps, courant)
        (out**2).sum().mul(0.5).backward()
        of = ["%.1e" % apart(d[k], exact(out)[k, ..., 1:])[0] for k in (0, 1)] + ["%.1e" % apart(g[k], exact(m.grad))[0] for k, m in enumerate(fields)]
        print(f"| {what}, {n} x {n}, {shots} shots, {steps_of} | {' | '.join(of)} |", flush=True)


def absorb(args, what, earth, shots, steps):
    n, margin = earth[0].shape[0], reach(float(earth[0].max()), steps)
    large = [widened(m, margin) for m in earth]
    pair = ((earth, 0), (large, margin))

    def left(near, far):
        return f"{apart(near, far)[0]:.1e}, {100 * np.abs(near - far).max() / np.abs(far).max():.3f} %"

    with tempfile.TemporaryDirectory() as folder:
        cells = [left(*(picked(setup(args, folder, n, shots, steps, k).data(torch.stack(m).numpy()), n) for m, k in pair))]
    for courant in (0.65, None):
        cells.append(left(*(exact(theirs(m, n, shots, steps, courant, k)) for m, k in pair)))
    print(f"| {what} | {' | '.join(cells)} |", flush=True)


def main():
    args = arguments(__doc__)
    print("| NMSE against Deepwave | vx | vz | gradient: vp | vs | rho |\n|---|---|---|---|---|---|", flush=True)
    agree(args, "smooth, constant density", smooth(70, False), 5, 1000)
    agree(args, "smooth", smooth(70, True), 5, 1000)
    agree(args, "rough", rough(70), 5, 1000)
    agree(args, "smooth", smooth(200, True), 2, 1000)
    print("\n| energy that 20 nodes of boundary leave, largest difference | ours | Deepwave, same steps | Deepwave's own steps |\n|---|---|---|---|", flush=True)
    for vp in (2300, 4000):
        absorb(args, f"{vp} m/s", layers(70, (vp, vp / 3**0.5, 2000), (vp, vp / 3**0.5, 2000)), 5, 500)
    absorb(args, "2300 over 3900 m/s", layers(70, (2300, 1300, 2000), (3900, 2200, 2400)), 5, 500)
    absorb(args, "smooth", smooth(70, True), 5, 500)
    absorb(args, "smooth, 200 x 200, 2 shots, 1000 steps: 2 km along the layer above", smooth(200, True), 2, 1000)


if __name__ == "__main__":
    main()
