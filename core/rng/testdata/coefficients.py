"""Prints the polynomial coefficients of core/rng/kernel.go and cuda/philox.h, with the truncation error of each.

Each polynomial interpolates its function at the Chebyshev points of the interval, in 60 digits, and is then rounded to
double from the lowest coefficient upwards. Needs mpmath. Run: python3 coefficients.py
"""
from mpmath import mp, mpf, cos, pi, sin, atanh, sqrt, log, matrix, lu_solve

mp.dps = 60


def interpolate(f, top, n):
    x = [top / 2 * (1 - cos(pi * (2 * i + 1) / (2 * n))) for i in range(n)]
    a = matrix(n, n)
    for i in range(n):
        for j in range(n):
            a[i, j] = x[i] ** j
    return list(lu_solve(a, matrix([f(v) for v in x])))


def show(name, f, top, n, weight):
    c = [float(v) for v in interpolate(f, top, n)]
    worst = max(
        abs((sum(mpf(c[j]) * w**j for j in range(n)) - f(w)) * weight(w))
        for w in (top * mpf(i) / 500 for i in range(1, 501))
    )
    print(f"{name}: relative error of the result 2^{float(log(worst, 2)):.1f}")
    for v in c:
        print(f"  {v.hex()}  {v!r}")


# log((1+s)/(1-s)) = 2 s + s z P(z), z = s^2, sqrt(1/2) <= m < sqrt 2.
smax = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)
show("log", lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z, smax**2, 7, lambda z: z / 2)
# sin(pi r / 2) = r (pi/2 + w P(w)), w = r^2 <= 1/4.
show("sin", lambda w: (sin(pi / 2 * sqrt(w)) / sqrt(w) - pi / 2) / w, mpf(1) / 4, 6, lambda w: w / mpf("1.41"))
# cos(pi r / 2) = 1 + w P(w).
show("cos", lambda w: (cos(pi / 2 * sqrt(w)) - 1) / w, mpf(1) / 4, 7, lambda w: w / mpf("0.707"))
ln2 = log(mpf(2))
hi = mpf(int(ln2 * 2**42)) / 2**42  # 42 bits: times an exponent of 6 bits it is exact
for name, v in (("ln2 high", hi), ("ln2 low", ln2 - hi), ("pi/2 high", pi / 2), ("pi/2 low", pi / 2 - mpf(float(pi / 2)))):
    print(name, float(v).hex(), repr(float(v)))
