from collections import Counter
from ipaddress import ip_address, ip_network

import phonenumbers
import pytest

from inventory import generate
from inventory.loader import load
from inventory.models import Duty, PartyKind, Priority, ProbeKind, RiskKind, SiteKind
from inventory.samples import NAMES, sample
from inventory.topology import Topology

WRITERS = {"soc-trang-2021": generate.soc_trang, "quang-nam-2021": generate.quang_nam}
SAMPLES = {name: load(sample(name)) for name in NAMES}


@pytest.fixture(name="inventory", params=NAMES)
def _inventory(request):
    return SAMPLES[request.param]


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_is_committed_is_what_the_generator_writes(name, tmp_path):
    WRITERS[name](tmp_path / name)
    assert contents(tmp_path / name) == contents(sample(name))


def test_a_name_that_is_no_sample_is_refused():
    with pytest.raises(KeyError, match="ha-noi"):
        sample("ha-noi")


@pytest.mark.parametrize(
    ("name", "districts", "communes"), [("soc-trang-2021", 11, 109), ("quang-nam-2021", 18, 241)]
)
def test_every_district_and_commune_of_2021_is_there_with_its_tile(name, districts, communes):
    areas = SAMPLES[name].areas.values()
    found = [area for area in areas if area.kind.is_commune_level]
    assert len(found) == communes
    assert len({(area.col, area.row) for area in found}) == communes
    assert len({area.parent for area in found}) == districts


def test_each_commune_reports_by_telephone_fibre_and_mobile(inventory):
    offices = [code for code, site in inventory.sites.items() if site.kind is SiteKind.COMMUNE_COMMITTEE]
    topology = Topology(inventory)
    assert len(offices) == sum(area.kind.is_commune_level for area in inventory.areas.values())
    for office in offices:
        media = [inventory.paths[path].medium for path in topology.paths_of_site(office)]
        assert media == ["fixed_line", "fibre", "mobile_data"]
        assert inventory.sites[office].priority is Priority.B


def test_a_telephone_and_a_fibre_of_one_carrier_end_in_one_box(inventory):
    topology = Topology(inventory)
    together = 0
    for site in inventory.sites.values():
        if site.kind is not SiteKind.COMMUNE_COMMITTEE:
            continue
        fixed, fibre, mobile = topology.paths_of_site(site.code)
        shared = set(topology.risks_of_path(fixed)) & set(topology.risks_of_path(fibre))
        kinds = {inventory.risks[risk].kind for risk in shared}
        same_carrier = inventory.paths[fixed].carrier == inventory.paths[fibre].carrier
        together += same_carrier
        assert (RiskKind.ONT in kinds) == same_carrier
        assert not set(topology.risks_of_path(mobile)) & set(topology.risks_of_path(fibre))
    assert together > len(inventory.areas) / 2


def test_all_four_carriers_carry_something_and_tally_servers_stand_on_two(inventory):
    assert {path.carrier for path in inventory.paths.values()} == {"VNPT", "VIETTEL", "MOBIFONE", "FPT"}
    topology = Topology(inventory)
    for server in ("TALLY-1", "TALLY-2"):
        first, second = topology.paths_of_site(server)
        assert not set(topology.risks_of_path(first)) & set(topology.risks_of_path(second))


def test_each_kind_has_one_port_and_each_target_its_own_loopback_address(inventory):
    targets = inventory.targets.values()
    ports = {(target.kind, target.port) for target in targets}
    assert ports == {
        (ProbeKind.SIP_OPTIONS, 15060),
        (ProbeKind.HTTP, 18080),
        (ProbeKind.HTTP, 18443),
        (ProbeKind.TCP, 15222),
        (ProbeKind.SNMP, 15161),
        (ProbeKind.ICMP, None),
    }
    addresses = [ip_address(target.address) for target in targets]
    assert len(set(addresses)) == len(addresses)
    assert all(address in ip_network("127.0.0.0/8") for address in addresses)
    assert not any(address in ip_network("127.0.0.0/16") for address in addresses)


def test_canaries_are_apart_from_targets_and_independent_of_one_another(inventory):
    (vantage,) = inventory.vantages.values()
    assert [canary.group for canary in vantage.canaries] == [
        "gateway",
        "second_hop",
        "resolver_a",
        "resolver_b",
    ]
    assert all(ip_address(canary.address) in ip_network("127.0.0.0/16") for canary in vantage.canaries)


def test_no_number_of_a_sample_can_ring_anywhere(inventory):
    numbers = [path.number for path in inventory.paths.values() if path.number]
    numbers += [party.hotline for party in inventory.parties.values()]
    numbers += [
        contact.address
        for person in inventory.people.values()
        for contact in person.contacts
        if contact.channel == "sms"
    ]
    for number in numbers:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_possible_number(parsed)
        national = str(parsed.national_number)
        # 57 is a code without a network; after an area code, no subscriber number begins with 0.
        assert national[:4] in {"2990", "2350"} or national.startswith("57")
        assert not (national.startswith("57") and phonenumbers.is_valid_number(parsed))
    assert len(set(numbers)) == len(numbers)


def test_people_are_plainly_made_up_and_mail_reaches_nobody(inventory):
    for person in inventory.people.values():
        assert person.name.startswith(("Trực", "Ứng cứu", "Lãnh đạo trực", "Tổ phần mềm"))
        mail = [contact.address for contact in person.contacts if contact.channel == "email"]
        assert mail
        assert all(address.endswith(".example") for address in mail)


def test_a_carriers_people_can_be_reached_over_another_network(inventory):
    for person in inventory.people.values():
        if inventory.parties[person.party].kind is PartyKind.CARRIER:
            assert {contact.rides_on for contact in person.contacts if contact.channel == "sms"} > {
                person.party
            }


def test_whoever_can_own_a_failure_has_people_for_every_step_of_the_escalation(inventory):
    owners = {risk.owner for risk in inventory.risks.values()} | {
        path.carrier for path in inventory.paths.values()
    }
    for owner in owners | {"STTTT"}:
        assert {Duty.OPERATIONS, Duty.RESPONSE, Duty.LEADERSHIP} <= set(inventory.parties[owner].duties)
    filled = Counter((shift.party, shift.duty) for shift in inventory.shifts)
    for party in inventory.parties.values():
        assert all(filled[party.code, duty] >= 21 for duty in party.duties)


def test_a_nation_has_as_many_targets_as_asked_in_the_mix_of_the_bench(tmp_path):
    generate.nation(tmp_path / "nation", targets=2_800)
    inventory = load(tmp_path / "nation")
    kinds = Counter(target.kind for target in inventory.targets.values())
    assert len(inventory.targets) == 2_800
    assert kinds == {"icmp": 2_000, "tcp": 500, "sip_options": 160, "http": 100, "snmp": 40}
    assert len({target.address for target in inventory.targets.values()}) == 2_800
    assert sum(site.kind is SiteKind.COMMUNE_COMMITTEE for site in inventory.sites.values()) == 211
