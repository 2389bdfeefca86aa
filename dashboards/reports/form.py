"""The official form's fields in words: header block, number, date, recipients, signature (Decree 30/2020, Annex I).

Number and date stay blank until the clerk's office has issued them. Agencies change their name with the years, so all
names come from the election's own file.
"""

import re
from datetime import date

from dashboards.reports.document import Form
from dashboards.reports.order import Fields, Kind, Stage
from dashboards.reports.tongue import Tongue
from inventory.models import Election

__all__ = ["form_of", "seat"]

_SYMBOLS = {Kind.INSPECTION: "BB", Kind.HANDOVER: "BB"}
_PLACE = re.compile(r"(?:tỉnh|thành phố|TP\.?)\s+(.+)$", re.IGNORECASE)


def seat(election: Election) -> str:
    """Answer the place that documents are dated at: the province of the agency's parent, or of the agency."""
    for text in (election.agency.parent, election.agency.name):
        found = _PLACE.search(text)
        if found:
            return found[1].strip()
    return ""


def form_of(
    election: Election, tongue: Tongue, *, kind: Kind, stage: Stage, fields: Fields, title: tuple[str, str]
) -> Form:
    """Fill the form. ``title`` is the document's type and its abstract."""
    agency = election.agency
    return Form(
        parent=agency.parent.upper(),
        agency=_without_province(agency.name).upper() if tongue.is_vietnamese else agency.name_en.upper(),
        number=_number(fields, agency.symbol, kind, tongue),
        place_date=_place_date(seat(election), fields.issued_on, election.day.year, tongue),
        type_name=title[0].upper(),
        abstract=title[1] + _staged(stage, tongue),
        motto=(
            tongue.say("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "SOCIALIST REPUBLIC OF VIET NAM"),
            tongue.say("Độc lập - Tự do - Hạnh phúc", "Independence - Freedom - Happiness"),
        ),
        addressee=fields.addressee,
        recipients_title=tongue.say("Nơi nhận:", "Recipients:"),
        recipients=_recipients(fields, agency.symbol, tongue),
        authority=fields.authority or (tongue.say("GIÁM ĐỐC", "DIRECTOR"),),
        signer=fields.signer,
        urgency=fields.urgency,
    )


def _without_province(name: str) -> str:
    """Leave out the province, which the parent's line names already."""
    return re.sub(r"\s+(tỉnh|thành phố)\s+.+$", "", name, flags=re.IGNORECASE)


def _number(fields: Fields, symbol: str, kind: Kind, tongue: Tongue) -> str:
    given = fields.number.strip()
    if "/" in given:
        return f"{tongue.say('Số', 'No.')}: {given}"
    number = given.zfill(2) if given else "\u00a0" * 8
    return f"{tongue.say('Số', 'No.')}: {number}/{_SYMBOLS.get(kind, 'BC')}-{symbol}"


def _place_date(place: str, issued: date | None, year: int, tongue: Tongue) -> str:
    blank = "\u00a0" * 6
    if issued is None:
        return tongue.say(
            f"{place}, ngày{blank}tháng{blank}năm {year}", f"{place}, date{blank}month{blank}year {year}"
        )
    if not tongue.is_vietnamese:
        return f"{place}, {issued:%d/%m/%Y}"
    month = f"{issued.month:02}" if issued.month < 3 else str(issued.month)
    return f"{place}, ngày {issued.day:02} tháng {month} năm {issued.year}"


def _staged(stage: Stage, tongue: Tongue) -> str:
    texts = {
        Stage.NOTIFICATION: tongue.say(" (thông báo ban đầu)", " (notification)"),
        Stage.INITIAL: tongue.say(" (số liệu ban đầu)", " (initial figures)"),
        Stage.ADDENDUM: tongue.say(" (bổ sung, đính chính)", " (addendum)"),
    }
    return texts.get(stage, "")


def _recipients(fields: Fields, symbol: str, tongue: Tongue) -> tuple[str, ...]:
    if fields.recipients:
        return fields.recipients
    return (
        tongue.say("UBBC tỉnh (b/c)", "Provincial election committee"),
        tongue.say("UBND tỉnh (b/c)", "Provincial people's committee"),
        tongue.say("Các doanh nghiệp viễn thông", "Carriers"),
        tongue.say(f"Lưu: VT, {symbol}", f"Filed: {symbol}"),
    )
