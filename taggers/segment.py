"""Word segmentation: a rule book's own jieba dictionary, HMM off, over one block of text at a time.

jieba itself cuts a text into blocks of Han characters, letters and digits before it looks at words, and never joins
two blocks. Segmenting only the block around a keyword therefore gives the boundaries of segmenting everything. HMM is
off: an unknown word falls into single characters, so only dictionary words (jieba's and the admin's) protect their
inside. rjieba does the cutting; it is jieba with HMM off, token for token, as long as added words carry the same
frequency.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # both read whole dictionaries, which a command that judges nothing need not wait for
    import jieba
    import rjieba

BLOCK = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+")


@cache
def _dictionary() -> tuple[dict[str, int], int]:
    """Read jieba's own dictionary, without its log line and without a cache file in a shared directory."""
    import jieba

    tokenizer = jieba.Tokenizer()
    frequencies, total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    return frequencies, total


def reference(words: Sequence[str] = ()) -> jieba.Tokenizer:
    """Make a private jieba.Tokenizer that knows the words: what the segmentation of a rule book is defined by.

    Unlike jieba's own add_word a word that the dictionary has already is counted once in its total.
    """
    import jieba

    frequencies, total = _dictionary()
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = dict(frequencies), total, True
    for word in words:
        frequency = tokenizer.suggest_freq(word)
        tokenizer.total += frequency - tokenizer.FREQ.get(word, 0)
        tokenizer.FREQ[word] = frequency
        for end in range(1, len(word)):
            tokenizer.FREQ.setdefault(word[:end], 0)
    return tokenizer


@lru_cache(maxsize=4)
def _engine(words: tuple[str, ...]) -> rjieba.Jieba:
    """Make a dictionary; rule books with the same words share it, since nothing changes it once it is made."""
    import rjieba

    engine = rjieba.Jieba()
    if words:
        frequencies = reference(words).FREQ
        for word in words:
            engine.add_word(word, frequencies[word], None)
    return engine


class Segmenter:
    """Cuts a block into words. `cut(block, False)` is the bare call: a list of words, HMM off.

    The dictionary is made when the first block is cut.
    """

    __slots__ = ("_added", "cut")

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.cut: Callable[[str, bool], list[str]]
        self._added = tuple(words)

    def __getattr__(self, name: str) -> Callable[[str, bool], list[str]]:
        if name != "cut":
            raise AttributeError(name)
        self.cut = _engine(self._added).cut  # from now on found without coming here
        return self.cut

    def words(self, block: str) -> list[str]:
        """Cut the block into words."""
        return self.cut(block, False)
