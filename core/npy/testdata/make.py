"""Writes the golden files of this folder with NumPy (made with 1.24.2): python3 make.py, in this folder."""
import numpy as np
from numpy.lib import format as npf

# Element i of the real numbers (complex: real, imaginary, real, ...) is i*1.5 - 2, cast for integers to i*3 - 2, uint8 to i*7.
def values(dt, shape):
    n = int(np.prod(shape))
    dt = np.dtype(dt)
    if dt.kind == "c":
        r = np.arange(2 * n) * 1.5 - 2
        return (r[0::2] + 1j * r[1::2]).astype(dt).reshape(shape)
    if dt.kind == "f":
        return (np.arange(n) * 1.5 - 2).astype(dt).reshape(shape)
    if dt.kind == "u":
        return (np.arange(n) * 7).astype(dt).reshape(shape)
    return (np.arange(n) * 3 - 2).astype(dt).reshape(shape)

for name, dt, shape in [("f4", "<f4", (2, 3)), ("f8", "<f8", (4,)), ("c8", "<c8", (2, 2)), ("c16", "<c16", (1, 2, 1)),
                        ("i4", "<i4", (3,)), ("i8", "<i8", (2, 1)), ("u1", "|u1", (5,)), ("scalar", "<f8", ()), ("empty", "<f4", (0, 3))]:
    np.save(name + ".npy", values(dt, shape))
for version in [(2, 0), (3, 0)]:
    with open("v%d.npy" % version[0], "wb") as f:
        npf.write_array(f, values("<f4", (2, 3)), version=version)
np.save("f2.npy", values("<f2", (2, 3)))
np.save("bad_fortran.npy", np.asfortranarray(values("<f4", (2, 3))))
np.save("bad_bigendian.npy", values("<f8", (4,)).astype(">f8"))
np.save("bad_bool.npy", np.array([True, False]))
np.save("bad_struct.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
