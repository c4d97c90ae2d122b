"""Writes the golden files of this folder with the safetensors library (made with 0.8.0, NumPy 1.24.2): python3 make.py."""
import numpy as np
from safetensors.numpy import save_file

save_file({
    "b": np.array([1, 2], np.float32),
    "a": np.array([[-1], [0.5]], np.float32),
    "s": np.array(3.5, np.float64),
    "i": np.array([[1, 2, -3]], np.int32),
    "l": np.array([-1], np.int64),
    "u": np.array([1, 2, 255], np.uint8),
    "z": np.zeros((0, 3), np.float32),
    "c": np.array([1 + 2j, 3 - 4j], np.complex64),
    'é"\\\n\x01</\u2028': np.array([7], np.uint8),
}, "mixed.safetensors", {"format": "np \u2028 é"})
save_file({}, "none.safetensors")
save_file({"h": np.array([1, 2], np.float16)}, "bad_half.safetensors")
save_file({"h": np.array([True])}, "bad_bool.safetensors")
