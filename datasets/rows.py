"""Reading JSON lines, and ending well: what the scripts of this folder share.

Wrong(message) ends a script by way of `run` with exit 2; a pipe closed early ends it quietly.
"""
import glob
import json
import os
import shutil
import subprocess
import sys

ROLES = ("accused", "accuser", "victim", "groups")


class Wrong(Exception):
    """Place, what was expected, what was found: one line for people."""


def files(place):
    """A file, or the *.jsonl and *.jsonl.zst of a folder, sorted."""
    if os.path.isfile(place):
        return [place]
    if not os.path.isdir(place):
        raise Wrong(f"{place}: no such file or folder")
    inside = glob.escape(place)
    found = [p for end in ("jsonl", "jsonl.zst")
             for p in glob.glob(os.path.join(inside, "*." + end)) if os.path.isfile(p)]
    if not found:
        raise Wrong(f"{place}: no *.jsonl (or *.jsonl.zst) in it")
    return sorted(found)


def lines(path):
    """The lines of one file as bytes."""
    if not path.endswith(".zst"):
        with open(path, "rb") as f:
            yield from f
        return
    if not shutil.which("zstd"):
        raise Wrong(f"{path}: the program zstd is needed to read it; install zstd or unpack it")
    with subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE) as p:
        yield from p.stdout
    if p.returncode:
        raise Wrong(f"{path}: zstd ended with {p.returncode}; the file is cut or no zstd")


def read(place, report=None):
    """(where, row) of every row under `place`; where: FILE:LINE. What is no JSON object goes to
    report(where, what), or is Wrong without one. Empty lines are skipped."""
    for path in files(place):
        for number, line in enumerate(lines(path), 1):
            if not line.strip():
                continue
            where = f"{os.path.basename(path)}:{number}"
            try:
                row = json.loads(line.decode("utf-8-sig"))
                found = f"a {type(row).__name__}"
            except (ValueError, RecursionError) as e:
                row, found = None, f"{e}"
            if isinstance(row, dict):
                yield where, row
            elif report:
                report(where, f"expected a JSON object, found {found}")
            else:
                raise Wrong(f"{os.path.join(os.path.dirname(path), where)}: expected a JSON "
                            f"object, found {found}")


def entry_problem(e, word):
    """What is wrong with the form of an entry of a role, or None; word: a field of text that it
    must have beside its offsets, or False"""
    if not isinstance(e, dict):
        return f"expected objects, found {e!r:.60}"
    if type(e.get("start")) is type(e.get("end")) is int and (
            not word or isinstance(e.get(word), str)):
        return None
    return f"expected {word + ', ' if word else ''}start, end, found {e!r:.60}"


def labels(where, row):
    """The row, if what a comparison reads of its labels is there and sound."""
    need(where, row, **{"class": str}, **{role: list for role in ROLES})
    for name in ("act", "tie"):
        if not isinstance(row.get(name, 0), (str, type(None))):
            raise Wrong(f"{where}: expected `{name}` (str or null), found {row.get(name)!r:.60}")
    for role in ROLES:
        for e in row[role]:
            wrong = entry_problem(e, role != "groups" and "code")
            if wrong:
                raise Wrong(f"{where}: {role}: {wrong}")
    return row


def need(where, row, **fields):
    """The row, if it has these fields of these types."""
    for name, kind in fields.items():
        if not isinstance(row.get(name), kind):
            raise Wrong(f"{where}: expected `{name}` ({kind.__name__}), found "
                        f"{json.dumps(row.get(name))[:60]}")
    return row


def may(where, row, **fields):
    """The row, if these fields, where they are there and not null, are of these types."""
    return need(where, row, **{k: kind for k, kind in fields.items() if row.get(k) is not None})


def run(main):
    try:
        code = main()
        sys.stdout.flush()
    except Wrong as w:
        print(w, file=sys.stderr)
        code = 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except OSError as e:
        print(e, file=sys.stderr)
        code = 2
    sys.exit(code)
