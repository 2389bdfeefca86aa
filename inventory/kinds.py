"""The closed sets of the field: what kinds of areas, sites, paths, duties, phases and severities there are."""

from enum import StrEnum

__all__ = [
    "AreaKind",
    "ContactChannel",
    "Duty",
    "MeansKind",
    "Medium",
    "PartyKind",
    "Phase",
    "Priority",
    "ProbeKind",
    "RiskKind",
    "Severity",
    "SiteKind",
    "StepAudience",
]


class AreaKind(StrEnum):
    """Kind of administrative unit; which kinds exist changed on 1 July 2025."""

    PROVINCE = "province"
    MUNICIPALITY = "municipality"
    PROVINCIAL_CITY = "provincial_city"
    TOWN = "town"
    URBAN_DISTRICT = "urban_district"
    RURAL_DISTRICT = "rural_district"
    WARD = "ward"
    TOWNSHIP = "township"
    COMMUNE = "commune"
    SPECIAL_ZONE = "special_zone"

    @property
    def is_commune_level(self) -> bool:
        """Whether the unit is of the lowest level: the one that the board shows as a tile."""
        return self in {self.WARD, self.TOWNSHIP, self.COMMUNE, self.SPECIAL_ZONE}

    @property
    def is_province_level(self) -> bool:
        """Whether the unit is a province or a city of that rank."""
        return self in {self.PROVINCE, self.MUNICIPALITY}


class PartyKind(StrEnum):
    """What an organisation is; a carrier answers for paths, the department answers for everything else."""

    DEPARTMENT = "department"
    CARRIER = "carrier"
    POWER = "power"
    POST = "post"
    POLICE = "police"
    MILITARY = "military"
    COMMITTEE = "committee"


class SiteKind(StrEnum):
    """Kind of protected object (DOMAIN.md, section 1.2)."""

    COMMITTEE_HQ = "committee_hq"
    TALLY_SERVER = "tally_server"
    TALLY_ENTRY_POINT = "tally_entry_point"
    HOTLINE = "hotline"
    VIDEO_CONFERENCE_ROOM = "video_conference_room"
    LEADERSHIP_HQ = "leadership_hq"
    PRESS_CENTRE = "press_centre"
    DISTRICT_COMMITTEE = "district_committee"
    COMMUNE_COMMITTEE = "commune_committee"
    POLLING_UNIT = "polling_unit"
    RADIO_STATION = "radio_station"
    POST_OFFICE = "post_office"


class Priority(StrEnum):
    """A: the election stops without it. B: a commune cannot report. C: a place can be reached otherwise."""

    A = "A"
    B = "B"
    C = "C"


class Medium(StrEnum):
    """By what means a path carries a result."""

    FIXED_LINE = "fixed_line"
    FIBRE = "fibre"
    MOBILE = "mobile"
    MOBILE_DATA = "mobile_data"
    LEASED_LINE = "leased_line"
    SATELLITE = "satellite"
    RADIO = "radio"


class RiskKind(StrEnum):
    """What fails together."""

    OLT = "olt"
    BTS = "bts"
    RING = "ring"
    TRUNK = "trunk"
    CORE = "core"
    FEEDER = "feeder"
    ONT = "ont"
    CABLE = "cable"


class ProbeKind(StrEnum):
    """How a target is looked at."""

    ICMP = "icmp"
    TCP = "tcp"
    HTTP = "http"
    TLS = "tls"
    DNS = "dns"
    SIP_OPTIONS = "sip_options"
    SIP_CALL = "sip_call"
    SNMP = "snmp"
    STAMP = "stamp"
    STREAM = "stream"
    HEARTBEAT = "heartbeat"
    ROLLCALL = "rollcall"


class Duty(StrEnum):
    """Kind of shift (DOMAIN.md, section 1.3)."""

    LEADERSHIP = "leadership"
    COMMAND = "command"
    OPERATIONS = "operations"
    RESPONSE = "response"
    SOFTWARE_SUPPORT = "software_support"
    HOTLINE = "hotline"
    SECURITY_WATCH = "security_watch"
    POST = "post"
    RADIO = "radio"


class Phase(StrEnum):
    """Part of the election calendar, in the order of the calendar."""

    PREPARE = "prepare"
    EARLY = "early"
    INSPECT = "inspect"
    FREEZE = "freeze"
    READY = "ready"
    POLL = "poll"
    TALLY = "tally"
    POST = "post"
    RERUN = "rerun"
    CLOSE = "close"


class Severity(StrEnum):
    """P1 stops the result of a commune or more; P4 is a note for the next working hour."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"


class ContactChannel(StrEnum):
    """How a person is reached; ``event`` is how a party's machine is told, and no contact of a person."""

    SMS = "sms"
    EMAIL = "email"
    VOICE = "voice"
    WEBHOOK = "webhook"
    CHAT = "chat"
    EVENT = "event"


class StepAudience(StrEnum):
    """Whose people an escalation step calls."""

    OWNER = "owner"
    DEPARTMENT = "department"


class MeansKind(StrEnum):
    """What can be lent in an emergency (DOMAIN.md, R17)."""

    VEHICLE = "vehicle"
    GENERATOR = "generator"
    BATTERY = "battery"
    SATELLITE_PHONE = "satellite_phone"
    RADIO = "radio"
    TEAM = "team"
    CAPACITY = "capacity"
    FIBRE_CORE = "fibre_core"
