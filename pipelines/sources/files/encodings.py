"""The encoding of a text file: declared or shown by its mark, else UTF-8; never guessed, only proposed."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pipelines.sources.files.broken import Broken
from pipelines.sources.files.reading import CHUNK, Reading, opened

UTF8_MARK = codecs.BOM_UTF8
# The longer marks first: that of UTF-32 begins like that of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# So many bytes beyond ASCII are valid UTF-8 by chance in no other encoding.
NO_CHANCE = 20
LOOKED_AT = 256 * 1024
# Letters that stand alone for each place where several stand together: in a Western text there are many more.
MOSTLY = 3
# What business systems write; charset-normalizer knows a hundred that hardly any does.
PROPOSED = ["gb18030", "cp1252", "big5", "shift_jis", "euc_kr", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255"]
# A letter of cp1252 beside one of ASCII and no other: an East Asian character is two bytes, of which the second may be
# an ASCII letter, but the first is seldom one of these.
_LETTER = rb"(?<![\x80-\xff])[\x8a\x8c\x8e\x9a\x9c\x9e\x9f\xc0-\xd6\xd8-\xf6\xf8-\xff](?![\x80-\xff])"
_LONE_LETTER = re.compile(rb"(?<=[A-Za-z])%b|%b(?=[A-Za-z])" % (_LETTER, _LETTER))
_SIDE_BY_SIDE = re.compile(rb"[\x80-\xff]{2,}")
# Within a word the West writes neither of these two, and Czech writes its letters ě and ů with them in cp1250.
_CENTRAL_EUROPEAN = re.compile(rb"[\xec\xf9][a-z]")


@dataclass(frozen=True)
class Text:
    """A file of text in UTF-8: as it came, or a copy of it."""

    path: Path
    zipped: bool
    skipped_bytes: int = 0

    def opened(self) -> IO[bytes]:
        """Open it behind its mark."""
        file = opened(self.path, self.zipped)
        file.read(self.skipped_bytes)
        return file

    def decoded(self, line: bytes, number: int) -> str:
        """Return a line as text, or say in which encoding it may be."""
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise Broken(
                f"is not UTF-8 (byte {line[problem.start]:#04x} after {problem.start} bytes of the line)",
                number,
                f"{self._proposal()}; nothing of it has landed",
            ) from None

    def _proposal(self) -> str:
        from charset_normalizer import from_bytes

        with self.opened() as file:
            # The lines that are ASCII in every encoding tell nothing, and there may be many of them.
            telling = b"".join(line for line in file.readlines(16 * LOOKED_AT) if not line.isascii())[:LOOKED_AT]
        found = "cp1252"
        if not _looks_western(telling):
            best = from_bytes(telling, cp_isolation=PROPOSED).best()
            # Where several give the same text, it is the one that more systems write.
            if best is not None and "cp1252" not in best.could_be_from_charset:
                found = best.encoding
        return f"It may be {found}: if so, write `encoding: {found}` in sources.yml; else have it exported as UTF-8"


def _looks_western(telling: bytes) -> bool:
    """Say so of words with an accent here and there, which read as East Asian or Central European to statistics."""
    try:
        telling.decode("cp1252")
    except UnicodeDecodeError:
        return False
    lone = len(_LONE_LETTER.findall(telling))
    return lone > MOSTLY * len(_SIDE_BY_SIDE.findall(telling)) and not _CENTRAL_EUROPEAN.search(telling)


@contextmanager
def as_utf8(path: Path, zipped: bool, how: Reading) -> Iterator[Text]:
    """Give the text in UTF-8: a mark at its beginning wins over what sources.yml says, which wins over UTF-8."""
    with opened(path, zipped) as file:
        start = file.read(1024)
    encoding = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    if start.startswith(UTF8_MARK):
        yield Text(path, zipped, len(UTF8_MARK))
        return
    if encoding is None and how.encoding is not None:
        encoding = codecs.lookup(how.encoding).name
    even, odd = start[::2].count(0), start[1::2].count(0)
    if encoding is None and even + odd > 1 and not (even and odd):
        raise Broken(
            "holds 0x00 where UTF-16 has them, but not the mark of it",
            remedy=f"If it is, write `encoding: utf-16-{'le' if odd else 'be'}` in sources.yml; nothing has landed",
        )
    if encoding in (None, "utf-8", "ascii"):
        yield Text(path, zipped)
        return
    copy = how.temporary / "as-utf-8"
    try:
        _transcode(path, zipped, encoding, copy)
        yield Text(copy, False)
    finally:
        copy.unlink(missing_ok=True)


def _transcode(path: Path, zipped: bool, encoding: str, copy: Path) -> None:
    decoder = codecs.getincrementaldecoder(encoding)()
    utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    beyond_ascii, lines = 0, 1
    with opened(path, zipped) as file, copy.open("wb") as target:
        ended = False
        while not ended:
            piece = file.read(CHUNK)
            ended = not piece
            try:
                text = decoder.decode(piece, final=ended)
            except UnicodeDecodeError as problem:
                lines += problem.object[: problem.start].count(b"\n")
                raise Broken(
                    f"is not {encoding} (byte {problem.object[problem.start]:#04x})",
                    lines,
                    "Correct `encoding` in sources.yml, or have the file exported anew; nothing of it has landed",
                ) from None
            lines += text.count("\n")
            target.write(text.encode("utf-8", "surrogatepass"))
            if utf8 is not None:
                beyond_ascii += 0 if piece.isascii() else len(piece.translate(None, _ASCII))
                try:
                    utf8.decode(piece, final=ended)
                except UnicodeDecodeError:
                    utf8 = None
    if utf8 is not None and beyond_ascii > NO_CHANCE:
        raise Broken(
            f"is UTF-8, where sources.yml says {encoding}",
            remedy="Remove `encoding` there; nothing of it has landed",
        )


_ASCII = bytes(range(128))
