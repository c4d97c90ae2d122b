"""The coefficients of cuda/nn/gelu.h: minimax by Remez exchange in 50 digits (mpmath), relative error.

    R(t) = r(4/t - 4)/t with r(y) = exp(y^2/2) Phi(-y), y = 0..14 (float), 0..39 (double), t = 4/(y + 4)
    E(r) = (exp(r) - 1 - r)/r^2 on |r| <= ln(2)/2
"""
import mpmath as mp

mp.mp.dps = 50


def remez(f, lo, hi, degree):
    n = degree + 1
    mid, half = (hi + lo) / 2, (hi - lo) / 2
    nodes = [mid + half * mp.cos(mp.pi * i / n) for i in range(n + 1)]
    grid = [mid + half * mp.cos(mp.pi * i / (24 * n)) for i in range(24 * n + 1)]
    fs = [f(t) for t in grid]
    for _ in range(6):
        a, b = mp.matrix(n + 1, n + 1), mp.matrix(n + 1, 1)
        for i, t in enumerate(nodes):
            ft = f(t)
            for j in range(n):
                a[i, j] = t**j / ft
            a[i, n], b[i] = (-1) ** i, 1
        s = mp.lu_solve(a, b)
        c = [s[j] for j in range(n)]
        e = [mp.polyval(c[::-1], t) / ft - 1 for t, ft in zip(grid, fs)]
        extrema, best = [], 0
        for i, x in enumerate(e):
            if mp.sign(x) != mp.sign(e[best]):
                extrema.append(best)
                best = i
            elif abs(x) > abs(e[best]):
                best = i
        extrema.append(best)
        while len(extrema) > n + 1:
            extrema.pop(0 if abs(e[extrema[0]]) < abs(e[extrema[-1]]) else -1)
        if len(extrema) < n + 1:
            break
        nodes = [grid[i] for i in extrema]
    return c, max(abs(x) for x in e)


def tail(t):
    y = 4 / t - 4
    return mp.exp(y * y / 2) * mp.erfc(y / mp.sqrt(2)) / (2 * t)


def exponential(r):
    return mp.mpf(1) / 2 + r / 6 if abs(r) < mp.mpf(10) ** -15 else (mp.exp(r) - 1 - r) / r**2


def show(name, result, rounded):
    c, error = result
    print(f"// {name}: relative error {mp.nstr(error, 3)}, highest power first")
    print(", ".join(rounded(x) for x in c[::-1]))


def single(x):
    import numpy
    return float(numpy.float32(float(x))).hex() + "f"


half = mp.log(2) / 2
show("R, float", remez(tail, mp.mpf(4) / 18, mp.mpf(1), 9), single)
show("R, double", remez(tail, mp.mpf(4) / 43, mp.mpf(1), 23), lambda x: float(x).hex())
show("E, float", remez(exponential, -half, half, 4), single)
show("E, double", remez(exponential, -half, half, 10), lambda x: float(x).hex())
