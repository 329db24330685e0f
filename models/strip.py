"""A model file without its encoders: the sieve alone, as `fecit train` writes it.

    from strip import sieve_only
    folder = sieve_only("models/attribution.safetensors", "somewhere")

Plain Python, so that bench/run.py needs nothing else.
"""

import hashlib
import json
import os
import struct


def sieve_only(path, folder):
    """Make `folder`/sieve with that file and a link to the vocabulary beside it; -> its path."""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    notes, kept, left = header.pop("__metadata__"), b"", {}
    for name in sorted(header, key=lambda k: header[k]["data_offsets"]):
        if name.startswith(("reader.", "middle.")):
            continue
        begin, end = header[name]["data_offsets"]
        left[name] = dict(header[name], data_offsets=[len(kept), len(kept) + end - begin])
        kept += data[begin:end]
    sha = hashlib.sha256()
    for name in sorted(left):
        sha.update(kept[slice(*left[name]["data_offsets"])])
    text = json.dumps({"__metadata__": dict(notes, digest=sha.hexdigest()), **left},
                      ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    os.makedirs(f"{folder}/sieve")
    with open(f"{folder}/sieve/attribution.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + kept)
    vocabulary = os.path.join(os.path.dirname(os.path.abspath(path)), "vocabulary.safetensors")
    os.symlink(vocabulary, f"{folder}/sieve/vocabulary.safetensors")
    return f"{folder}/sieve"
