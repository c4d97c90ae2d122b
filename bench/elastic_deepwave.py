"""Deepwave's elastic propagator on one of the two set-ups that our own benchmark has: those of acoustic_deepwave.py with vs = vp/sqrt(3),
2000 kg/m3, a vertical force, and vx and vz recorded; gradients with respect to all three. Prints what that script prints.

    python3 bench/elastic_deepwave.py --n 70 --shots 5 --threads 1 [--gradient]

Of its own Deepwave takes two inner steps for each of ours; with --courant 0.65 it takes the same ones.
"""

import warnings

import deepwave
import torch

from acoustic_deepwave import DELAY, FASTEST, PEAK_HZ, PML, SPACING, STEP, layered, measure, spots


def earth(n):
    """vp, vs in m/s and rho in kg/m3."""
    vp = layered(n)
    return [vp, vp / 3**0.5, torch.full_like(vp, 2000.0)]


def force(steps, shift=0.0):
    """The wavelet, sampled shift steps late."""
    return deepwave.wavelets.ricker(PEAK_HZ, steps, STEP, DELAY - shift * STEP)


def propagate(vp, vs, rho, n, at, steps, courant=None, margin=0, shift=0.0, rows=(1,), peak=1.0):
    """What Deepwave answers for forces along z of row 1, columns `at`, data of vz and vx (shots, receivers, steps) last: the latter on
    n - 1 of n places, as Deepwave's end before the last column. A force is a density: our own is it times the area of a cell."""
    warnings.filterwarnings("ignore", "At least six grid cells", UserWarning)
    q = (peak * force(steps, shift)).repeat(len(at), 1, 1)
    to = [(j + margin, i + margin) for j in rows for i in range(n - 1)]
    return deepwave.elastic(*deepwave.vpvsrho_to_lambmubuoyancy(vp, vs, rho), SPACING, STEP, source_amplitudes_y=q,
                            source_locations_y=spots(len(at), [[(1 + margin, i + margin)] for i in at]),
                            receiver_locations_y=spots(len(at), to), receiver_locations_x=spots(len(at), to), accuracy=4,
                            pml_width=PML, pml_freq=PEAK_HZ, max_vel=FASTEST, courant_number=courant)


if __name__ == "__main__":
    measure(__doc__, earth, propagate, lambda out: out[-2:])
