"""Who is meant by a name in a roster: somebody known, or somebody new who is proposed as a contact. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from alerting.roster_words import Named, folded
from inventory.models import Contact, ContactChannel, Inventory, Person
from inventory.reasons import expected

__all__ = ["People"]

_WORD = re.compile(r"[^\W\d_]+\.?")


@dataclass(slots=True)
class People:
    """The people of an inventory by name and number, and those who joined while a file was read."""

    inventory: Inventory
    _by_name: dict[tuple[str, str], list[str]] = field(init=False)
    _by_number: dict[tuple[str, str], str] = field(init=False)
    _new: dict[str, Person] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = defaultdict(list)
        self._by_number = {}
        for person in self.inventory.people.values():
            self._by_name[person.party, folded(person.name)].append(person.code)
            for contact in person.contacts:
                self._by_number.setdefault((person.party, contact.address), person.code)

    def code_of(self, named: Named, party: str) -> str:
        """Answer the code of a person of ``party``; whoever is not known is proposed. Raises when it is not clear who."""
        if named.number and (code := self._by_number.get((party, named.number))):
            person = self._person(code)
            if not named.name or folded(person.name) == folded(named.name):
                return code
            raise expected(
                f"số điện thoại này là của {person.name}; sửa tên hoặc số",
                f"this telephone number is {person.name}'s; correct the name or the number",
            )
        if not named.name:
            raise expected("có số điện thoại nhưng không có họ tên", "there is a number but no name")
        known = self._by_name[party, folded(named.name)]
        if len(known) > 1:
            raise expected(
                f"có {len(known)} người tên {named.name} trong đơn vị; ghi thêm số điện thoại sau tên",
                f"{len(known)} people of the party are called {named.name}; write the number behind the name",
            )
        return self._again(known[0], named) if known else self._propose(named, party)

    def name(self, code: str) -> str:
        """Answer a person's name."""
        return self._person(code).name

    def new(self) -> Iterator[Person]:
        """Answer those who were not known before."""
        yield from self._new.values()

    def _person(self, code: str) -> Person:
        return self._new.get(code) or self.inventory.people[code]

    def _again(self, code: str, named: Named) -> str:
        person = self._new.get(code)
        if person is None or not named.number:
            return code
        if person.contacts:
            raise expected(
                f"{person.name} có hai số điện thoại khác nhau trong tệp; giữ lại một số",
                f"{person.name} has two different telephone numbers in the file; keep one",
            )
        self._new[code] = Person(code, person.party, person.name, person.position, _contacts(named))
        self._by_number[person.party, named.number] = code
        return code

    def _propose(self, named: Named, party: str) -> str:
        words = named.name.split()
        if not 2 <= len(words) <= 7 or not all(_WORD.fullmatch(word) for word in words):
            raise expected(
                "không giống họ và tên đầy đủ; viết như “Nguyễn Văn A”, mỗi người một dòng",
                "not a full name (họ và tên); write as “Nguyễn Văn A”, one person a line",
            )
        name = named.name.title() if named.name.isupper() else named.name
        stem = re.sub(r"[^A-Z0-9]+", "-", f"{party}-{folded(name)}".upper())[:70]
        code, number = stem, 2
        while code in self._new or code in self.inventory.people:
            code, number = f"{stem}-{number}", number + 1
        self._new[code] = Person(code, party, name, named.position, _contacts(named))
        self._by_name[party, folded(name)].append(code)
        if named.number:
            self._by_number[party, named.number] = code
        return code


def _contacts(named: Named) -> tuple[Contact, ...]:
    return (Contact(ContactChannel.SMS, named.number),) if named.number else ()
