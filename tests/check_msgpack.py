#!/usr/bin/env python3
"""Read a results folder with the msgpack and xxhash packages alone, as a stranger would.

    check_msgpack.py FOLDER...     exit 0: whole; 1: damaged; 77: a package is missing
"""
import json
import os
import sys

try:
    import msgpack
    import xxhash
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

KEYS = {
    "documents": "doc doc_id file offset lang date url title source bytes sentences statements repaired",
    "statements": "doc doc_id sent start end text lang class p p_class accused accuser victim groups act tie hash",
    "sentences": "doc doc_id sent start end class p p_class stage",
}
CLASSES = ["none", "asserted", "hedged", "denied"]


def read(path, kind):
    """The rows of one file; ValueError when anything is not as the format says."""
    raw = open(path, "rb").read()
    unpacker = msgpack.Unpacker(max_buffer_size=len(raw) + 1, strict_map_key=True)
    unpacker.feed(raw)
    header, rows, before = next(unpacker), [], unpacker.tell()
    expect = {"fecit": kind, "format": 1, "classes": CLASSES, "keys": KEYS[kind].split()}
    if list(header) != ["fecit", "format", "version", "model", "classes", "keys"]:
        raise ValueError(f"{path}: header keys {list(header)}")
    for key, value in expect.items():
        if header[key] != value:
            raise ValueError(f"{path}: header has {key} = {header[key]!r}")
    for row in unpacker:
        if "footer" in row:
            break
        if list(row) != header["keys"]:
            raise ValueError(f"{path}: byte {before}: keys {list(row)}")
        rows.append(row)
        before = unpacker.tell()
    else:
        raise ValueError(f"{path}: no footer: the file was cut")
    if row != {"footer": "fecit", "rows": len(rows), "xxh3_64": xxhash.xxh3_64_intdigest(raw[:before])}:
        raise ValueError(f"{path}: byte {before}: footer {row} does not fit")
    if unpacker.tell() != len(raw):
        raise ValueError(f"{path}: {len(raw) - unpacker.tell()} bytes after the footer")
    return rows


def check(folder):
    run = json.load(open(os.path.join(folder, "run.json"), encoding="utf-8"))
    if run["fecit"] != "run" or run["complete"] is not True:
        raise ValueError(f"{folder}: the run is not finished")
    files = {}
    for kind in KEYS:
        path = os.path.join(folder, f"{kind}-00000.msgpack")
        if kind != "sentences" or os.path.exists(path):
            files[kind] = read(path, kind)
    bytes_of = {d["doc"]: d["bytes"] for d in files["documents"]}
    for kind in ("statements", "sentences"):
        for row in files.get(kind, []):
            if not 0 <= row["start"] <= row["end"] <= bytes_of[row["doc"]]:
                raise ValueError(f"{folder}: {kind}: {row} is outside its document")
            if row["class"] not in CLASSES or abs(sum(row["p_class"]) - 1) > 1e-3:
                raise ValueError(f"{folder}: {kind}: {row} has impossible scores")
    for row in files["statements"]:
        if len(row["text"].encode()) != row["end"] - row["start"]:
            raise ValueError(f"{folder}: {row} has a text of another length")
    rejects = [json.loads(line) for line in open(os.path.join(folder, "rejects.jsonl"), encoding="utf-8")]
    for reject in rejects:
        if list(reject) != ["file", "offset", "line", "why", "head"]:
            raise ValueError(f"{folder}: reject {reject}")
        bytes.fromhex(reject["head"])
    print(f"{folder}: " + ", ".join(f"{len(rows)} {kind}" for kind, rows in files.items())
          + f", {len(rejects)} rejects")


def main():
    try:
        for folder in sys.argv[1:]:
            check(folder)
    except (ValueError, KeyError, OSError, msgpack.exceptions.ExtraData) as damage:
        print("damaged:", repr(damage))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
