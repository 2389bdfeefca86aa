"""Text as offices save it: UTF-8 with or without a byte order mark, any line ends, one Unicode form.

Vietnamese letters can be written whole or as letter and marks; both look alike and compare unlike, so
everything becomes NFC here, once. What cannot be seen (zero-width, bidirectional and control characters) is a
fault: a code with one in it matches nothing, and nobody sees why.
"""

import re
import unicodedata
from pathlib import Path

from inventory.faults import Faults
from inventory.reasons import Reason

__all__ = ["decoded"]

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def decoded(path: Path, file: str, *, most: int, faults: Faults) -> str | None:
    """Read a UTF-8 text file (a byte order mark and CRLF are accepted) as NFC; ``None`` and a fault if it is not one."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= most else None
    except FileNotFoundError:
        faults.add(Reason("thiếu tệp này", "this file is missing"), file=file)
        return None
    except OSError as error:
        why = error.strerror or type(error).__name__
        faults.add(Reason(f"không mở được tệp: {why}", f"the file cannot be opened: {why}"), file=file)
        return None
    if raw is None:
        faults.add(
            Reason(
                f"tệp lớn hơn {most // 1024} KiB; hãy chia nhỏ hoặc kiểm tra lại có đúng tệp không",
                f"the file is larger than {most // 1024} KiB; split it, or check that it is the right one",
            ),
            file=file,
            value=f"{size} byte",
        )
        return None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(
            Reason(
                "không phải UTF-8; trong bảng tính hãy lưu thành “CSV UTF-8”",
                "not UTF-8; in the spreadsheet save as “CSV UTF-8”",
            ),
            file=file,
            line=raw.count(b"\n", 0, error.start) + 1,
            value=f"byte 0x{raw[error.start]:02x}",
        )
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _report_invisible(text, file, faults)
    return unicodedata.normalize("NFC", text)


def _report_invisible(text: str, file: str, faults: Faults) -> None:
    for found in _INVISIBLE.finditer(text):
        faults.add(
            Reason(
                "có ký tự ẩn; hãy xóa và gõ lại ô này",
                "an invisible character; clear the cell and type it again",
            ),
            file=file,
            line=text.count("\n", 0, found.start()) + 1,
            value=f"U+{ord(found[0]):04X}",
        )
