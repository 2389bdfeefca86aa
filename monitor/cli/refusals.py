"""What the machine refuses, in a sentence that says what, where and how to mend it; never a traceback.

Only what has its cause outside of the program is put into words: a folder that cannot be written, a disk that is full, a
database that is locked, away, or none at all. Everything else stays an error of ours, and is shown whole.
"""

import errno

from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError

__all__ = ["told"]

_OWN = {
    errno.EACCES: (
        "không có quyền; hãy giao thư mục cho người dùng chạy dịch vụ (chown), hoặc chọn --state khác",
        "not permitted; give the folder to the user that runs the service (chown), or choose another --state",
    ),
    errno.EROFS: (
        "hệ tệp chỉ đọc; hãy chọn thư mục khác bằng --state",
        "the file system is read-only; choose another folder with --state",
    ),
    errno.ENOSPC: ("đĩa đầy; hãy dọn chỗ rồi chạy lại", "the disk is full; make room and run again"),
    errno.EADDRINUSE: (
        "cổng đã có chương trình khác dùng; hãy chọn --port khác",
        "another program holds the port; choose another --port",
    ),
}
_OWN[errno.EPERM] = _OWN[errno.EACCES]
_OWN[errno.ENOTDIR] = _OWN[errno.ENOENT] = _OWN[errno.EISDIR] = (
    "không có tệp hoặc thư mục như vậy; hãy xem lại đường dẫn",
    "there is no such file or folder; look at the path again",
)

_DATABASE = (
    (
        ("readonly database", "unable to open database file", "permission denied"),
        "cơ sở dữ liệu không mở hoặc không ghi được; hãy xem quyền của thư mục dữ liệu (--state)",
        "the database cannot be opened or written; look at the permissions of the state folder (--state)",
    ),
    (
        ("database is locked",),
        "cơ sở dữ liệu đang bị chương trình khác khóa; hãy dừng chương trình đó rồi chạy lại",
        "another program holds the database; stop it and run again",
    ),
    (
        ("not a database", "malformed"),
        "tệp đó không phải cơ sở dữ liệu của Thông Suốt, hoặc đã hỏng; hãy khôi phục bằng thongsuot backup restore",
        "that file is no database of ours, or is damaged; restore one with thongsuot backup restore",
    ),
    (
        ("disk is full", "no space left"),
        "đĩa đầy; hãy dọn chỗ rồi chạy lại",
        "the disk is full; make room and run again",
    ),
    (
        ("connection refused", "could not connect", "connection failed", "could not translate", "timeout"),
        "không nối được tới PostgreSQL; hãy xem THONGSUOT_DATABASE_URL và máy chủ cơ sở dữ liệu",
        "PostgreSQL cannot be reached; look at THONGSUOT_DATABASE_URL and at the database server",
    ),
    (
        ("password authentication failed", "does not exist", "no password supplied"),
        "PostgreSQL không nhận tài khoản hoặc tên cơ sở dữ liệu; hãy xem THONGSUOT_DATABASE_URL",
        "PostgreSQL refuses the account or the name of the database; look at THONGSUOT_DATABASE_URL",
    ),
)


def told(error: Exception) -> str | None:
    """Answer the sentence for what the machine refused, Vietnamese first; None for what is no refusal of its."""
    if isinstance(error, NoSuchModuleError | ArgumentError):
        return (
            "THONGSUOT_DATABASE_URL không đọc được; hãy viết sqlite+aiosqlite:///… hoặc postgresql+psycopg://… · "
            "THONGSUOT_DATABASE_URL cannot be read; write sqlite+aiosqlite:///… or postgresql+psycopg://…"
        )
    if isinstance(error, DatabaseError):
        # The statement and its values stay out of it: they may hold what nobody else should read.
        reason = str(error.orig).strip()
        for signs, vi, en in _DATABASE:
            if any(sign in reason.lower() for sign in signs):
                return f"{vi} · {en} ({reason.splitlines()[0]})"
        return None
    if isinstance(error, OSError) and error.errno in _OWN:
        vi, en = _OWN[error.errno]
        place = f"{error.filename}: " if error.filename is not None else ""
        return f"{place}{vi} · {en}"
    return None
