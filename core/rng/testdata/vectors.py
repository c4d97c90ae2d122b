"""Checks vectors.json with a second implementation of core/rng, in plain Python (no packages). Run: python3 vectors.py

A product plus a sum under one rounding (fma) is a fraction rounded once: int and Fraction division to float is correctly
rounded. Everything else that the normals need is Python's own IEEE arithmetic.
"""
import json
import math
import os
import struct
import sys
from fractions import Fraction

M32, M64 = 2**32 - 1, 2**64 - 1

LOG = ["0x1.2b584aae78a57p-3", "0x1.39fe606542ddep-3", "0x1.7462b4ab2ef6bp-3", "0x1.c71c62e5800a1p-3",
       "0x1.2492492df148dp-2", "0x1.99999999952e2p-2", "0x1.5555555555558p-1"]
SIN = ["0x1.e4a9d9166f052p-25", "-0x1.e3027dea82bd7p-19", "0x1.50783208843ebp-13", "-0x1.32d2cce500387p-8",
       "0x1.466bc6775a476p-4", "-0x1.4abbce625be52p-1", "0x1.1a62633145c07p-54"]
COS = ["-0x1.b2f3eb054afcdp-28", "0x1.f9ce245cada0bp-22", "-0x1.a6d1eef479be1p-16", "0x1.e1f5068688d5bp-11",
       "-0x1.55d3c7e3cb241p-6", "0x1.03c1f081b5ac0p-2", "-0x1.3bd3cc9be45dep+0"]
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45")
HALF_PI = float.fromhex("0x1.921fb54442d18p+0")


def mix_hash(purpose):
    h = 0xCBF29CE484222325
    for byte in purpose.encode():
        h = (h ^ byte) * 0x100000001B3 & M64
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & M64
    h = (h ^ h >> 27) * 0x94D049BB133111EB & M64
    return h ^ h >> 31


def philox(key, counter):
    k0, k1 = key
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = q >> 32 ^ c1 ^ k0, q & M32, p >> 32 ^ c3 ^ k1, p & M32
        k0, k1 = k0 + 0x9E3779B9 & M32, k1 + 0xBB67AE85 & M32
    return c0, c1, c2, c3


def integers(w):
    return (w[1] << 32 | w[0]) >> 11, (w[3] << 32 | w[2]) >> 11


def uniforms(w):
    return [v / 2**53 for v in integers(w)]


def fma(a, b, c):
    x = Fraction(a) * Fraction(b) + Fraction(c)
    if x:
        return float(x)
    return a * b + c  # an exact zero: the sign is that of the separate operations


def horner(coefficients, x):
    p = float.fromhex(coefficients[0])
    for c in coefficients[1:]:
        p = fma(x, p, float.fromhex(c))
    return p


def normals(w):
    a, b = integers(w)
    m, e = math.frexp(float(a + 1))  # 1/2 <= m < 1
    if m < math.sqrt(0.5):
        m, e = 2 * m, e - 1
    n = float(53 - e)
    f = m - 1
    s = f / (m + 1)
    z = s * s
    g = fma(-z, horner(LOG, z), f)
    log = fma(n, LN2_HIGH, -f) + fma(n, LN2_LOW, s * g)
    r = math.sqrt(log + log)
    q = (b + 2**50) // 2**51
    x = (b - q * 2**51) / 2**51
    v = x * x
    sin = fma(x, HALF_PI, x * horner(SIN, v))
    cos = fma(v, horner(COS, v), 1.0)
    sin, cos = [(sin, cos), (cos, -sin), (-sin, -cos), (-cos, sin)][q % 4]
    return [r * cos, r * sin]


def intn(key, counter, n):
    while True:
        counter = philox(key, counter)
        for x in (counter[1] << 32 | counter[0], counter[3] << 32 | counter[2]):
            if x * n % 2**64 >= 2**64 % n:
                return x * n >> 64


def perm(key, rest, n):
    p = [0] * n
    for i in range(n):
        j = intn(key, (i, *rest), i + 1)
        p[i] = p[j]
        p[j] = i
    return p


def bits(x):
    return struct.pack(">d", x).hex()


def unhex(words):
    return tuple(int(w, 16) for w in words)


checks, failures = 0, 0


def check(what, got, want):
    global checks, failures
    checks += 1
    if got != want:
        failures += 1
        print(f"{what}: computed {got}, vectors.json has {want}")


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.json"), encoding="utf-8") as file:
    vectors = json.load(file)
for v in vectors["hashes"]:
    check(f"hash of {v['purpose']!r}", f"{mix_hash(v['purpose']):016x}", v["hash"])
for v in vectors["blocks"]:
    check(f"block {v['key']} {v['counter']}", philox(unhex(v["key"]), unhex(v["counter"])), unhex(v["words"]))
for v in vectors["streams"]:
    name = f"stream {v['seed']} {v['purpose']!r}"
    whole = int(v["seed"], 16) ^ mix_hash(v["purpose"])
    key, rest = (whole & M32, whole >> 32), (v["step"], v["chain"], v["draw"])
    blocks = [philox(key, (k, *rest)) for k in range((len(v["normals"]) + 1) // 2)]
    check(name + " key", key, unhex(v["key"]))
    flat = [x for w in blocks for x in uniforms(w)][: len(v["uniforms"])]
    check(name + " uniforms", [bits(x) for x in flat], v["uniforms"])
    flat = [x for w in blocks for x in normals(w)][: len(v["normals"])]
    check(name + " normals", [bits(x) for x in flat], v["normals"])
    check(name + " normals32", [struct.pack(">f", x).hex() for x in flat], v["normals32"])
    check(name + " perm", perm(key, rest, len(v["perm"])), v["perm"])
    check(name + " intn", [intn(key, (i, *rest), v["intn_of"]) for i in range(len(v["intn"]))], v["intn"])
for v in vectors["pairs"]:
    w = unhex(v["words"])
    check(f"uniforms of {v['words']}", [bits(x) for x in uniforms(w)], v["uniforms"])
    check(f"normals of {v['words']}", [bits(x) for x in normals(w)], v["normals"])
print(f"{checks} checks, {failures} failures")
sys.exit(1 if failures or not checks else 0)
