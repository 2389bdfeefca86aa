"""Every text in Vietnamese, every file of ours, every colour readable, nothing from anybody else's host."""

import json
import re
import unicodedata
from enum import Enum
from hashlib import sha256
from pathlib import Path

import pytest

import dashboards
from alerting.models import CauseClass, DeliveryState, IncidentEvent, IncidentState
from dashboards.assets import assets
from dashboards.i18n import Language, words_in
from dashboards.wording import LABELS, SIGNS, STAGES, label
from inventory.models import Duty, Phase
from monitor.models import Verdict
from tests.support.catalogue import extracted, translated

FOLDER = Path(dashboards.__file__).parent
STATIC = FOLDER / "static"
VENDOR = STATIC / "vendor"


def ids(catalog) -> set:
    return {message.id for message in catalog if message.id}


def test_every_message_has_a_vietnamese_text():
    known = translated()
    missing = [message.id for message in extracted() if message.id and not known.get(message.id)]
    assert not missing, "python -m tests.support.catalogue adds them; then translate"
    empty = [message.id for message in known if message.id and (message.fuzzy or not all(_strings(message)))]
    assert not empty


def _strings(message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_no_translation_is_left_over():
    assert not ids(translated()) - ids(extracted())


def test_translations_keep_the_placeholders_and_are_composed():
    for message in translated():
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[1]
        for text in _strings(message):
            assert set(re.findall(r"%\((\w+)\)", text)) == set(re.findall(r"%\((\w+)\)", source)), source
            assert unicodedata.is_normalized("NFC", text)


@pytest.mark.parametrize("kind", LABELS, ids=lambda kind: kind.__name__)
def test_every_value_that_a_page_shows_has_words_in_both_languages(kind):
    assert set(kind) <= set(LABELS[kind])
    for language in Language:
        assert all(label(words_in(language), value) for value in kind)


def test_what_pages_show_is_all_labelled():
    kinds: set[type[Enum]] = {Verdict, Phase, IncidentState, IncidentEvent, CauseClass, DeliveryState, Duty}
    assert kinds <= set(LABELS)
    assert set(SIGNS) == set(Verdict)
    assert sorted(phase for _, phases in STAGES.values() for phase in phases) == sorted(Phase)


def test_vendored_files_are_those_of_the_manifest_with_their_licences():
    manifest = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    listed = {path: digest for package in manifest["packages"] for path, digest in package["files"].items()}
    found = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {
        "manifest.json"
    }
    assert found == set(listed)
    for path, digest in listed.items():
        assert sha256((VENDOR / path).read_bytes()).hexdigest() == digest, path
    for package in manifest["packages"]:
        assert {"name", "version", "licence", "files"} <= set(package)
        assert any(path.endswith("LICENSE") for path in package["files"])


def test_no_file_of_ours_names_a_foreign_host():
    for path in (*STATIC.glob("css/*"), *STATIC.glob("js/*"), *FOLDER.glob("templates/**/*.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text), path.name


def test_every_file_that_a_style_sheet_or_module_asks_for_exists():
    known = set(assets().by_path)
    for path in (*STATIC.glob("css/*.css"), *STATIC.glob("js/*.js")):
        text = path.read_text(encoding="utf-8")
        wanted = re.findall(r'url\("([^#"]+)"\)|(?:from|import\() ?"([^"]+)"', text)
        for reference in (first or second for first, second in wanted):
            found = (path.parent / reference).resolve().relative_to(STATIC.resolve())
            assert str(found) in known, f"{path.name} asks for {reference}"


def test_another_content_is_another_address():
    files = assets()
    assert re.fullmatch(r"[0-9a-f]{12}", files.digest)
    assert files.url("css/base.css") == f"/static/{files.digest}/css/base.css"
    with pytest.raises(KeyError):
        files.url("css/none.css")


def palettes() -> dict[str, dict[str, str]]:
    text = (STATIC / "css" / "colours.css").read_text(encoding="utf-8")
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", text)
    return {
        "dark" if "dark" in name else f"dark {place}" if "not" in name else "light": dict(
            re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", body)
        )
        for place, (name, body) in enumerate(blocks)
    }


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = [
    ("ink", "paper"), ("ink", "card"), ("muted", "paper"), ("muted", "card"), ("link", "card"), ("link", "paper"),
    ("bad", "card"), ("bad", "paper"), ("soon", "card"), ("good", "card"), ("accent-ink", "accent"),
    *((f"{verdict}-ink", verdict) for verdict in ("ready", "degraded", "at-risk", "down", "unknown", "untested")),
]  # fmt: skip


@pytest.mark.parametrize("name", palettes())
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_every_text_can_be_read_on_its_ground(name, ink, ground):
    palette = palettes()[name]
    assert contrast(palette[ink], palette[ground]) >= 4.5


def test_the_device_s_dark_is_the_chosen_dark():
    found = palettes()
    [device] = [palette for name, palette in found.items() if name.startswith("dark ")]
    assert device == found["dark"]
