"""The gradient of the published set-up the way the memorisation study's code computes it: SciPy's SuperLU on the
unsymmetric matrix A, two complex128 factorisations (A for the fields, A^H for the adjoint fields), one solve per source
and factorisation. Prints one JSON line: seconds of every repetition (assembly, factorisations, solves, gradient), misfit.

Equation, units and boundary: docs/plugins/solver-helmholtz.md.
"""

import argparse
import json
import time

import numpy as np
import scipy
import scipy.sparse as sp
from scipy.sparse.linalg import splu


def profile(n, pad, sigma_max, omega):
    """s = 1 + i sigma/omega at the n + 2 pad nodes of an axis."""
    sigma = np.zeros(n + 2 * pad)
    edge = sigma_max * ((pad - np.arange(pad)) / pad) ** 2
    sigma[:pad], sigma[n + pad:] = edge, edge[::-1]
    return 1 + 1j * sigma / omega


def assemble(m, h_km, pad, sigma_max, omega):
    """A as CSC for squared slowness m (nz, nx) in s2/km2; zero flux at the outer edge."""
    p = np.pad(m, pad, mode="edge")
    nz, nx = p.shape
    sz, sx = (profile(n, pad, sigma_max, omega) for n in m.shape)

    def second(s):
        link = 2 / (s[:-1] + s[1:]) / h_km**2
        up, down = link / s[:-1], link / s[1:]  # row i towards i+1, row i+1 towards i
        diagonal = np.zeros(len(s), complex)
        diagonal[:-1] -= up
        diagonal[1:] -= down
        return sp.diags([down, diagonal, up], [-1, 0, 1])

    a = sp.kron(second(sz), sp.identity(nx)) + sp.kron(sp.identity(nz), second(sx)) + sp.diags(omega**2 * p.ravel())
    return a.tocsc(), p.shape


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--repeats", type=int, default=3)
    args = parse.parse_args()
    n, h_km, pad, sigma_max, omega = 200, 0.01, 30, 200.0, 2 * np.pi * 6.0
    z, x = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
    true = 1 / (2 + 0.3 * np.sin(2 * np.pi * x) * np.cos(np.pi * z)) ** 2
    model = np.full((n, n), 0.25)
    columns = [2, 15, 29, 43, 57, 71, 85, 99, 113, 127, 141, 155, 169, 183, 197]
    width = n + 2 * pad
    sources = [(2 + pad) * width + c + pad for c in columns]
    receivers = (197 + pad) * width + np.arange(2, 198) + pad
    b = np.zeros((width * width, len(sources)), complex)
    b[sources, range(len(sources))] = 1 / h_km**2

    lu = splu(assemble(true, h_km, pad, sigma_max, omega)[0])
    data = np.stack([lu.solve(b[:, i])[receivers] for i in range(len(sources))])
    tau = 0.055 * abs(data).max() / np.sqrt(2)

    seconds, phi = [], 0.0
    for _ in range(args.repeats):
        t = [time.perf_counter()]
        a, shape = assemble(model, h_km, pad, sigma_max, omega)
        t.append(time.perf_counter())
        forward = splu(a)
        backward = splu(a.conj().T.tocsc())
        t.append(time.perf_counter())
        u = [forward.solve(b[:, i]) for i in range(len(sources))]
        residual = [f[receivers] - d for f, d in zip(u, data)]
        gradient = np.zeros(width * width)
        for f, r in zip(u, residual):
            w = np.zeros(width * width, complex)
            w[receivers] = r / tau**2
            gradient -= omega**2 * np.real(f * np.conj(backward.solve(w)))
        t.append(time.perf_counter())
        phi = sum(np.sum(abs(r) ** 2) for r in residual) / (2 * tau**2)
        gradient = gradient.reshape(shape)[pad:-pad, pad:-pad]  # the published gradient keeps the interior only
        t.append(time.perf_counter())
        steps = np.diff(t)
        seconds.append({"total": t[-1] - t[0], "assembly": steps[0], "factorisations": steps[1], "solves": steps[2]})
    print(json.dumps({"scipy": scipy.__version__, "numpy": np.__version__, "misfit": phi, "norm": float(np.linalg.norm(gradient)),
                      "seconds": seconds}))


if __name__ == "__main__":
    main()
