"""How often each piece occurs in each language: what models/vocabulary.py chooses by.

Two sources: news (one JSON document a line, zstd or plain, the language in `lang`) and the
word lists of wordfreq. Of the news every eighth document, by a hash of its id, is held out;
check-growth measures on those and on texts that are never counted.
"""

import io
import json
import re
import zlib
from collections import Counter

import numpy as np
import zstandard
import wordfreq
from wordfreq.chinese import SIMPLIFIED_MAP

from tokenise import SPACE_MARK

HOLD_OUT = 8  # one document in so many is not counted
UNSPACED = {"zh", "ja"}  # words stand without a mark before them
CASED = re.compile("[a-zA-Z\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff\u1e00-\u1fff]")


def documents(path):
    """-> (id, lang, text) of every row."""
    with open(path, "rb") as f:
        if str(path).endswith(".zst"):
            f = zstandard.ZstdDecompressor().stream_reader(f)
        for line in io.TextIOWrapper(f, encoding="utf-8"):
            row = json.loads(line)
            yield row.get("id", ""), row["lang"], row["text"]


def held_out(doc_id):
    return zlib.crc32(doc_id.encode()) % HOLD_OUT == 0


def news_counts(tokeniser, paths):
    """-> {lang: (counts [V], characters read)}"""
    words, sizes = {}, Counter()
    for path in paths:
        for doc_id, lang, text in documents(path):
            if held_out(doc_id):
                continue
            words.setdefault(lang, Counter()).update(tokeniser.split(text))
            sizes[lang] += len(text)
    return {lang: (sum_pieces(tokeniser, c.items()), sizes[lang])
            for lang, c in words.items()}


def sum_pieces(tokeniser, weighted_words):
    """(pre-token, weight) pairs -> counts [V]"""
    out = np.zeros(len(tokeniser.pieces))
    for word, weight in weighted_words:
        for i in tokeniser.word(word):
            out[i] += weight
    return out


def forms(word, lang, frequent):
    """One entry of a word list -> (pre-token as it may stand in print, share) pairs.
    The lists are in lower case and know neither sentence starts nor quotation marks."""
    if lang in UNSPACED:
        return [(word, .95), (SPACE_MARK + word, .05)]
    # Korean lists hold stems and particles apart: the latter stand inside a pre-token.
    out, rest = [], 1
    if lang == "ko" or frequent:
        out.append((word, .4 if lang == "ko" else .04))
    if CASED.match(word):
        out.append((SPACE_MARK + word[0].upper() + word[1:], .5 if lang == "de" else .25))
        if frequent:
            out.append((SPACE_MARK + word.upper(), .02))
    rest -= sum(share for _, share in out)
    return out + [(SPACE_MARK + word, rest)]


def list_counts(tokeniser, longest=150_000, frequent=3e-6):
    """-> {lang: counts [V]} for every language of wordfreq."""
    out = {}
    for lang in sorted(wordfreq.available_languages("best")):
        words = wordfreq.get_frequency_dict(lang, "best")
        pairs = ((form, words[word] * share)
                 for word in sorted(words, key=lambda w: (-words[w], w))[:longest]
                 for part in tokeniser.normalise(word).split(" ") if part
                 for form, share in forms(part, lang, words[word] >= frequent))
        out[lang] = sum_pieces(tokeniser, pairs)
        out[lang][tokeniser.unk] = 0
        tokeniser.words.clear()
    return out


def traditional(tokeniser, simplified):
    """Counts of a Chinese list in simplified characters -> the same for traditional ones:
    a piece gets the count of what it becomes when it is simplified."""
    ids = {p: i for i, p in enumerate(tokeniser.pieces)}
    out = np.zeros_like(simplified)
    for i, piece in enumerate(tokeniser.pieces):
        simple = piece.translate(SIMPLIFIED_MAP)
        if simple in ids:
            out[i] = simplified[ids[simple]]
    return out


def script_prior(pieces, scores, first, last):
    """exp(score) of the pieces that hold a code point of first..last, else 0 -> [V]"""
    return np.array([np.exp(float(s)) if any(first <= ord(c) <= last for c in p) else 0
                     for p, s in zip(pieces, scores)])
