"""A finding of the lint: a rule by its slug, the code that it is about, and a sentence in both languages."""

from dataclasses import dataclass

from typing_extensions import override

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to decide. ``rule`` is stable and names the rule; ``subject`` is the code that it is about."""

    rule: str
    subject: str
    message_vi: str
    message_en: str

    @override
    def __str__(self) -> str:
        return f"{self.rule}: {self.subject}: {self.message_vi}"
