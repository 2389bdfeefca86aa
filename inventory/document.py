"""YAML as text: no guessing of types, no key twice, no anchors, every value with its line.

YAML 1.1 reads ``no`` as false, ``07:00`` as 420 and ``0299`` as octal. Here every scalar stays the text that
somebody wrote, and the reader that asks for it says what it should be. Built over libyaml's events, so that a
document costs what its size is and nothing can be constructed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from inventory.faults import Faults
from inventory.reasons import Reason, UnusableError, suggestion
from inventory.textfile import decoded

__all__ = ["MAX_BYTES", "Entry", "Members", "Node", "read_document"]

T = TypeVar("T")

MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a document: text, or a list of pieces, or pieces by key."""

    line: int
    content: "str | list[Node] | dict[str, Node]"


class _Malformed(Exception):  # noqa: N818 - it is a place to stop reading at, caught in this module
    def __init__(self, line: int, reason: Reason, *, value: str = "") -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason
        self.value = value


class Entry:
    """A place in a document, asked for what should stand there; what is wrong becomes a fault."""

    def __init__(self, node: Node, *, file: str, key: str, faults: Faults) -> None:
        self.node = node
        self.key = key
        self.is_sound = True
        self._file = file
        self._faults = faults

    def report(self, reason: Reason, *, value: str | None = None) -> None:
        """Note a fault at this place."""
        content = self.node.content
        shown = value if value is not None else content if isinstance(content, str) else ""
        self._faults.add(reason, file=self._file, line=self.node.line, column=self.key, value=shown)

    def members(self, *, required: Collection[str] = (), optional: Collection[str] = ()) -> "Members":
        """Answer the entries of a mapping whose keys are known; unknown and missing keys are faults."""
        entries = self.records()
        if self.node.content and not entries:
            return Members({})
        known = [*map(str, required), *map(str, optional)]
        for name, entry in entries.items():
            if name not in known:
                hint = suggestion(name, known)
                listed = " ".join(known)
                entry.report(
                    Reason(
                        f"khóa không dùng ở đây; các khóa là: {listed}{hint.vi}",
                        f"unknown key; the keys are: {listed}{hint.en}",
                    ),
                    value=name,
                )
        for name in required:
            if name not in entries:
                self.report(Reason(f"thiếu khóa {name}", f"key {name} is missing"), value="")
        return Members(entries)

    def records(self) -> Mapping[str, "Entry"]:
        """Answer the entries of a mapping whose keys are free."""
        content = self.node.content
        if not isinstance(content, dict):
            if content != "":
                self.report(Reason("phải là các cặp khóa: giá trị", "must be key: value pairs"))
            return {}
        return {name: self._inner(node, name) for name, node in content.items()}

    def items(self) -> tuple["Entry", ...]:
        """Answer the entries of a list; an empty place is an empty list."""
        content = self.node.content
        if not isinstance(content, list):
            if content != "":
                self.report(
                    Reason(
                        "phải là danh sách, viết [a, b] hoặc mỗi dòng một “- ”",
                        "must be a list, [a, b] or lines with “- ”",
                    )
                )
            return ()
        return tuple(self._inner(node, str(place)) for place, node in enumerate(content))

    def value(self, convert: Callable[[str], T], *, instead: T) -> T:
        """Answer the text at this place as a value, or ``instead`` with a fault."""
        if not isinstance(self.node.content, str):
            self.report(
                Reason(
                    "phải là một giá trị, không phải danh sách hay nhóm khóa",
                    "must be one value, not a list or keys",
                )
            )
            return instead
        try:
            return convert(self.node.content)
        except UnusableError as error:
            self.report(error.reason)
            return instead

    def named(self, convert: Callable[[str], str]) -> None:
        """Check the key of this entry itself, where keys are free."""
        name = self.key.rpartition(".")[2]
        try:
            convert(name)
        except UnusableError as error:
            self.report(error.reason, value=name)

    def _inner(self, node: Node, name: str) -> "Entry":
        key = f"{self.key}.{name}" if self.key else name
        return Entry(node, file=self._file, key=key, faults=self._faults)


class Members:
    """The entries of a mapping by key. A key that is absent was reported already if it had to be there."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def value(self, name: str, convert: Callable[[str], T], *, instead: T) -> T:
        """Answer the value of ``name``, or ``instead`` where it is absent or cannot be used."""
        return self._entries[name].value(convert, instead=instead) if name in self._entries else instead

    def items(self, name: str) -> tuple[Entry, ...]:
        """Answer the list under ``name``; empty where it is absent."""
        return self._entries[name].items() if name in self._entries else ()


def read_document(path: Path, file: str, *, faults: Faults) -> Entry:
    """Read a YAML file; one that cannot be read yields an empty entry and faults."""
    # What cannot be read at all is one fault: the keys that it therefore lacks are not told again.
    nothing = Entry(Node(1, ""), file=file, key="", faults=Faults())
    nothing.is_sound = False
    text = decoded(path, file, most=MAX_BYTES, faults=faults)
    if text is not None:
        try:
            return Entry(_Reader(file, faults).document(text), file=file, key="", faults=faults)
        except _Malformed as error:
            faults.add(error.reason, file=file, line=error.line, value=error.value)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            why = error.problem or error.context or "?"
            reason = Reason(f"không đúng cú pháp YAML: {why}", f"not YAML: {why}")
            faults.add(reason, file=file, line=mark.line + 1 if mark else 0)
        except yaml.YAMLError as error:
            faults.add(Reason(f"không đúng cú pháp YAML: {error}", f"not YAML: {error}"), file=file)
    return nothing


class _Reader:
    """Builds nodes from events; keys that stand twice are noted, and the first one counts."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def document(self, text: str) -> Node:
        events = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        node: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if node is not None:
                    raise _Malformed(
                        _line(event),
                        Reason(
                            "tệp chỉ được có một tài liệu; hãy bỏ “---”",
                            "one document a file; take out “---”",
                        ),
                    )
                node = self._node(next(events), events, depth=0)
        return node or Node(1, "")

    def _node(self, event: Any, events: Iterator[Any], *, depth: int) -> Node:
        line = _line(event)
        if depth > _MAX_DEPTH:
            raise _Malformed(
                line, Reason(f"lồng quá {_MAX_DEPTH} tầng", f"nested more than {_MAX_DEPTH} deep")
            )
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Malformed(
                line,
                Reason(
                    "không dùng & và * của YAML; hãy viết lại giá trị",
                    "no YAML anchors; write the value again",
                ),
                value=event.anchor,
            )
        if getattr(event, "tag", None):
            raise _Malformed(line, Reason("không dùng thẻ ! của YAML", "no YAML tags"), value=event.tag)
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(line, self._list(events, depth=depth))
        if isinstance(event, yaml.MappingStartEvent):
            return Node(line, self._mapping(events, depth=depth))
        return Node(line, event.value.strip())

    def _list(self, events: Iterator[Any], *, depth: int) -> list[Node]:
        found: list[Node] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            found.append(self._node(event, events, depth=depth + 1))
        return found

    def _mapping(self, events: Iterator[Any], *, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, events, depth=depth + 1)
            value = self._node(next(events), events, depth=depth + 1)
            if not isinstance(key.content, str):
                raise _Malformed(key.line, Reason("khóa phải là một từ", "a key must be one word"))
            if key.content in found:
                first = found[key.content].line
                reason = Reason(
                    f"khóa đã có ở dòng {first}; hãy bỏ một",
                    f"the key stands in line {first} too; take one out",
                )
                self._faults.add(reason, file=self._file, line=key.line, value=key.content)
            else:
                found[key.content] = value
        return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
