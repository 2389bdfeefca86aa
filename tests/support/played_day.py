"""An election played by hand: the product's services on a database, a clock that is set, and everything that arrives.

Messages leave over SMTP, an SMS gateway and a webhook on loopback. What arrives is read off the wire, stamped with the
clock's time, and nothing goes on before all that is due has left: so time, order and reader of each message are exact.
"""

import json
import re
import unicodedata
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs

from sqlalchemy import and_, func, or_, select

from alerting.aid_service import AidService
from alerting.handover_service import HandoverService
from alerting.notify.email import EmailChannel
from alerting.notify.sms import SmsChannel
from alerting.notify.webhook import SIGNATURE, WebhookChannel, signature
from alerting.roster_imports import RosterImports
from alerting.roster_service import RosterService
from alerting.schema import outbox
from alerting.settings import EmailSettings, SmsSettings, WebhookSettings
from inventory.database import reading
from inventory.models import (
    Contact,
    ContactChannel,
    Duty,
    Medium,
    Party,
    PartyKind,
    Path,
    Risk,
    RiskKind,
)
from tests.support.acting import (
    COMMUNES,
    PEOPLE,
    ZONE,
    Clock,
    a_duty_room,
    a_person,
    an_inventory,
    by_code,
    tokens,
    until,
)
from tests.support.acting_servers import a_mail_sink, a_receiver, an_outbox_worker

__all__ = ["CORE", "OLTS", "STATION", "PlayedDay", "a_played_day", "local", "three_carriers"]

CORE = "VT-CORE"
OLTS = ("VNPT-OLT-1", "VNPT-OLT-2")
STATION = "MF-BTS-3"
KEY = "khóa"

SAID = {
    "acknowledged": "Đã tiếp nhận",
    "restored": "Đã có tín hiệu trở lại, đang xác minh",
    "resolved": "Đã khôi phục, chờ đóng phiếu",
    "mitigated": "Đã thông tạm bằng đường khác",
    "disputed": "Có ý kiến không đồng ý",
    "decide": "Chờ trực lãnh đạo kết luận",
    "decided": "Đã kết luận ý kiến không đồng ý",
    "aid_requested": "Đề nghị ứng cứu, chờ trả lời",
    "aid_accepted": "Đã nhận lời ứng cứu",
    "aid_activated": "Lệnh triển khai ứng cứu",
    "aid_verified": "Ứng cứu đã có hiệu lực, đã kiểm chứng",
    "aid_released": "Kết thúc ứng cứu, chờ số liệu",
    "aid_closed": "Đã có số liệu ứng cứu",
}
"""What each kind of notice begins with, as its reader sees it. A page begins with what failed."""


def local(text):
    """``23/05 05:10`` (or with seconds) of 2021 in Viet Nam, as a point in time."""
    day, clock = text.split()
    hours, minutes, *seconds = (int(part) for part in clock.split(":"))
    date, month = (int(part) for part in day.split("/"))
    return datetime(2021, month, date, hours, minutes, *seconds, tzinfo=ZONE).astimezone(UTC)


def three_carriers(webhook):
    """Mỹ Xuyên with VNPT, Viettel and MobiFone, two people each, a department by day and by night; nobody's shift yet."""
    people = (
        *PEOPLE,
        a_person("stttt-3", "STTTT", "Trực ban Sở 3", sms="+84910000005", rides_on="VNPT", email="dem@so.invalid"),
        a_person("vt-1", "VIETTEL", "Trực ca Viettel 1", sms="+84970000006", rides_on="VIETTEL", email="1@vt.invalid"),
        a_person("vt-2", "VIETTEL", "Trực ca Viettel 2", sms="+84910000007", rides_on="VNPT", email="2@vt.invalid"),
        a_person("mf-1", "MOBIFONE", "Trực ca MobiFone 1", sms="+84900000008", rides_on="MOBIFONE", email="1@mf.invalid"),
        a_person(
            "mf-2",
            "MOBIFONE",
            "Trực ca MobiFone 2",
            sms="+84910000009",
            rides_on="VNPT",
            email="2@mf.invalid",
            mail_rides_on="MOBIFONE",
        ),
    )  # fmt: skip
    known = by_code(people)
    hooked = Contact(ContactChannel.WEBHOOK, webhook, "FPT")
    viettel = replace(known["vt-1"], contacts=(*known["vt-1"].contacts, hooked))
    small = an_inventory()
    sites = [f"UB-{code}" for code in COMMUNES]
    # MobiFone serves a fourth commune from elsewhere, or its station would be all that it has in the district.
    hangs_on = ((STATION,), (STATION,), (STATION,), ())
    mobifone = [
        Path(f"{site}-MF", site, Medium.MOBILE_DATA, "MOBIFONE", risks=risks)
        for site, risks in zip(sites, hangs_on, strict=False)
    ]
    risks = (
        Risk(OLTS[0], RiskKind.OLT, "Trạm OLT Ngọc Tố", "VNPT", area="947"),
        Risk(OLTS[1], RiskKind.OLT, "Trạm OLT Gia Hòa", "VNPT", area="947"),
        Risk(CORE, RiskKind.CORE, "Mạng lõi Viettel", "VIETTEL", area="94"),
        Risk(STATION, RiskKind.BTS, "Trạm BTS MobiFone Mỹ Xuyên", "MOBIFONE", area="947"),
    )
    third = Party("MOBIFONE", PartyKind.CARRIER, "MobiFone Sóc Trăng", duties=(Duty.OPERATIONS,))
    return replace(
        small,
        parties=by_code([*small.parties.values(), third]),
        people=by_code([*known.values(), viettel]),
        paths=by_code([*small.paths.values(), *mobifone]),
        risks=by_code([*small.risks.values(), *risks]),
        shifts=(),
    )


@dataclass(frozen=True)
class Arrival:
    """One message as it came over the wire. ``line`` tells when, by what, to whom and what; ``words`` is all of it."""

    at: datetime
    line: str
    words: str
    link: str
    code: str


class PlayedDay:
    """The services, the sinks, and what has arrived."""

    def __init__(self, room, mails, gateway, worker):
        self.room = room
        self.mails = mails
        self.gateway = gateway
        self.worker = worker
        self.service = room.service
        self.inventory = room.service.inventory
        made = tokens()
        self.roster = RosterService(
            database=room.database, inventory=lambda: self.inventory, clock=room.clock, token=made
        )
        self.imports = RosterImports(self.roster, token=made)
        self.handovers = HandoverService(self.roster)
        self.verdicts = {}
        self.aid = AidService(
            database=room.database, alerting=room.service, clock=room.clock, verdicts=lambda: self.verdicts
        )
        self.arrived = []
        self._read = [0, 0]
        self._readers = {
            contact.address: person
            for person in self.inventory.people.values()
            for contact in person.contacts
        }

    async def at(self, text):
        """Let time pass until ``text``: everything that falls due meanwhile is done at its own moment, and leaves."""
        moment = local(text)
        assert moment >= self.room.clock(), f"{text} is over"
        await self.settle()
        while (due := await self._next_due()) is not None and due <= moment:
            self.room.clock.now = max(due, self.room.clock())
            changed = await self.service.tick() + await self.aid.tick()
            assert changed, f"something is due at {due} and nothing is done about it"
            await self.settle()
        self.room.clock.now = moment

    async def _next_due(self):
        found = [await self.service.next_due(), await self.aid.next_due()]
        return min((moment for moment in found if moment is not None), default=None)

    async def believe(self, risk, new, *, evidence):
        """Believe that a risk group is down or up, act on it, and let what that decides leave."""
        await self.room.believe(f"risk:{risk}", new, evidence=evidence)
        await self.service.absorb()
        await self.settle()
        return await self.room.incident() if new == "down" else None

    async def settle(self):
        """Wait until all that is due has left; read what arrived."""
        self.worker.wake()
        await until(self._is_empty)
        now = self.room.clock()
        mails, calls = self.mails.mails[self._read[0] :], self.gateway.calls[self._read[1] :]
        self._read = [len(self.mails.mails), len(self.gateway.calls)]
        found = [self._of_mail(mail, now) for mail in mails] + [self._of_call(call, now) for call in calls]
        # What leaves at one moment leaves side by side: its order is that of the alphabet.
        self.arrived += sorted(found, key=lambda arrival: arrival.line)

    async def _is_empty(self):
        state, now = outbox.c.state, self.room.clock()
        waiting = or_(state == "leased", and_(state == "pending", outbox.c.not_before <= now))
        async with reading(self.room.database) as connection:
            count = await connection.scalar(select(func.count()).select_from(outbox).where(waiting))
        return not count

    def _of_mail(self, mail, now):
        assert parsedate_to_datetime(mail["Date"]) == now
        reader, text = self._readers[str(mail["To"])], mail.get_content()
        assert text.startswith(f"Gửi: {reader.name}\n")
        grave, rest = re.fullmatch(r"\[(\w+)\] (.*)", str(mail["Subject"])).groups()
        return self._arrival(now, "email", reader, f"{grave} {rest}", f"{mail['Subject']}\n{text}")

    def _of_call(self, call, now):
        if call.path == "/hook":
            return self._of_webhook(call, now)
        assert call.path == "/sms"
        fields = parse_qs(call.body.decode(), strict_parsing=True)
        [number], [text] = fields["to"], fields["text"]
        assert len(text) <= 160
        assert text.isascii()
        return self._arrival(now, "sms", self._readers[number], text, text)

    def _of_webhook(self, call, now):
        assert call.headers[SIGNATURE.lower()] == signature(KEY.encode(), call.body, int(now.timestamp()))
        told = json.loads(call.body)
        reader = self._readers[f"http://127.0.0.1:{self.gateway.port}{call.path}"]
        assert told["person_name"] == reader.name
        head = f"{told['severity']} {told['number']} "
        said = SAID[told["what"]] + ": " if told["what"] in SAID else ""
        words = f"{told['link']} mã {told['code']}"
        return self._arrival(now, "webhook", reader, f"{head}{said}{told['title']}", words)

    def _arrival(self, now, channel, reader, head, words):
        grave, number, rest = head.split(" ", 2)
        line = f"{now.astimezone(ZONE):%d/%m %H:%M:%S} {channel} {reader.code} {number} {grave} {self._kind(rest)}"
        link = re.search(r"https://ts\.invalid/a/(\S+)", words)
        code = re.search(r"mã (\d{4} ?\d{4})|ma (\d{8})", words)
        return Arrival(now, line, words, link[1] if link else "", (code[1] or code[2]) if code else "")

    def _kind(self, rest):
        for kind, said in SAID.items():
            if _plain(rest).startswith(f"{_plain(said)}:"):
                return kind
        names = [_plain(risk.name) for risk in self.inventory.risks.values()]
        assert any(_plain(rest).startswith(name) for name in names), f"nobody knows what this is: {rest!r}"
        return "page"

    def last(self, beginning):
        """The newest arrival whose line, without its time, begins so."""
        found = [one for one in self.arrived if one.line.split(" ", 2)[2].startswith(beginning)]
        assert found, f"nothing that begins with {beginning!r} has arrived"
        return found[-1]

    async def outcomes(self):
        """How many messages of the outbox ended how."""
        query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        async with reading(self.room.database) as connection:
            return dict((await connection.execute(query)).all())


def _plain(text):
    marked = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in marked if not unicodedata.combining(letter))


@asynccontextmanager
async def a_played_day(tmp_path, *, start):
    """Everything that runs, from ``start`` on; it ends with the block, and nothing may be left unread."""
    async with (
        a_mail_sink() as mails,
        a_receiver() as gateway,
        a_duty_room(tmp_path, inventory=three_carriers(gateway.url), clock=Clock(local(start))) as room,
    ):
        channels = {
            ContactChannel.EMAIL: EmailChannel(
                EmailSettings(host="127.0.0.1", port=mails.port, sender="ts@ts.invalid")
            ),
            ContactChannel.SMS: SmsChannel(SmsSettings(url=f"http://127.0.0.1:{gateway.port}/sms")),
            ContactChannel.WEBHOOK: WebhookChannel(WebhookSettings(secret=KEY), clock=room.clock),
        }
        async with an_outbox_worker(room, channels) as worker:
            day = PlayedDay(room, mails, gateway, worker)
            yield day
            await day.settle()
