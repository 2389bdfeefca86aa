import unicodedata
from datetime import timedelta

import pytest

from inventory.csvfile import MAX_ROWS
from inventory.loader import InventoryFaultsError, examine, load
from inventory.models import Contact, ContactChannel, Duty, Phase, Priority, ProbeKind, Severity, StepAudience
from inventory.spreadsheet import MAX_BYTES
from tests.support.inventories import GOOD, at, changed, copy_of_good, faults_of, loaded


def test_lists_become_records_by_code_in_the_order_of_the_file():
    inventory = load(GOOD)
    assert list(inventory.targets) == ["T1", "T2", "T3", "T4", "T5", "T6"]
    assert inventory.targets["T3"].options == {"path": "/ping", "status": "200"}
    assert inventory.targets["T2"].vantages == ("V1",)
    assert inventory.targets["T4"].kind is ProbeKind.TCP
    assert inventory.paths["UB2-FIBRE"].risks == ("OLT1", "FEEDER1")
    assert inventory.risks["FEEDER1"].name == "Xuất tuyến 1, huyện Thử"
    assert inventory.links["LINK1"].capacity_mbps == 1000
    assert (inventory.areas["00001"].col, inventory.areas["94"].col) == (1, None)


def test_numbers_are_kept_in_one_form_and_addresses_in_their_shortest():
    inventory = load(GOOD)
    assert inventory.paths["UB1-FIXED"].number == "+842993820001"
    assert inventory.paths["UB1-FIXED"].test_line
    assert inventory.targets["T4"].address == "2001:db8::1"
    assert inventory.parties["VNPT"].hotline == "119"


def test_a_contact_says_which_network_it_rides_on():
    people = load(GOOD).people
    assert people["VNPT-1"].contacts[1] == Contact(ContactChannel.SMS, "+84570000102", "VIETTEL")
    assert people["VNPT-1"].contacts[2] == Contact(ContactChannel.EMAIL, "vnpt-1@vnpt.example", "VIETTEL")
    assert people["SO-1"].contacts[1] == Contact(ContactChannel.EMAIL, "so-1@so.example", "")
    assert people["SO-1"].contacts[2] == Contact(ContactChannel.WEBHOOK, "https://chat.example/h/1", "VNPT")


def test_shifts_are_local_unless_they_say_their_own_offset():
    shifts = load(GOOD).shifts
    assert {(shift.start, shift.end) for shift in shifts} == {
        (at("2021-05-20 06:00"), at("2021-05-27 06:00"))
    }
    assert shifts[0].duty is Duty.RESPONSE


def test_a_policy_rule_changes_what_it_names_and_keeps_the_rest():
    policy = load(GOOD).policy
    assert policy.look(Phase.POLL, Priority.B).cadence == 5
    assert policy.look(Phase.POLL, Priority.B).stale_after == 30
    assert policy.look(Phase.POLL, Priority.C).cadence == 10
    assert policy.deadline(Phase.POLL, Priority.A).restore == timedelta(hours=1)
    assert policy.deadline(Phase.TALLY, Priority.A).restore == timedelta(hours=24)
    steps = policy.escalation[Severity.P1]
    assert (steps[1].after, steps[1].substitute) == (timedelta(minutes=3), True)
    assert policy.escalation[Severity.P4][0].audience is StepAudience.DEPARTMENT


def test_text_that_yaml_would_guess_at_stays_text(tmp_path):
    inventory = loaded(
        tmp_path,
        ("election.yml", "symbol: STTTT", "symbol: no"),
        ("election.yml", "name_en: Trial election", "name_en: 07:00"),
        ("election.yml", "code: thu-nghiem", "code: 007"),
    )
    assert inventory.election.agency.symbol == "no"
    assert inventory.election.name_en == "07:00"
    assert inventory.election.code == "007"


def test_what_a_spreadsheet_adds_is_taken_off(tmp_path):
    folder = copy_of_good(tmp_path)
    for path in folder.rglob("*.csv"):
        text = path.read_text(encoding="utf-8").replace("\n", "\r\n") + ",,,,\r\n\r\n"
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(folder) == load(GOOD)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_compares_equal_however_it_was_typed(form, tmp_path):
    folder = copy_of_good(tmp_path)
    for path in folder.rglob("*.*"):
        path.write_text(unicodedata.normalize(form, path.read_text(encoding="utf-8")), encoding="utf-8")
    inventory = load(folder)
    assert inventory.areas["00001"].name == unicodedata.normalize("NFC", "Xã Một")
    assert inventory == load(GOOD)


def test_quoting_and_spaces_around_a_cell_mean_nothing(tmp_path):
    folder = changed(
        tmp_path,
        ("targets.csv", "T2,UB1-MOBILE,icmp,", ' T2 ,"UB1-MOBILE",icmp,'),
        ("areas.csv", "Xã Hai,Hai commune", " Xã Hai\u00a0,Hai commune"),
    )
    assert load(folder) == load(GOOD)


def test_a_line_feed_inside_quotes_does_not_shift_the_lines_that_are_told(tmp_path):
    folder = changed(
        tmp_path,
        ("risks.csv", "OLT số 1", '"OLT\nsố 1"'),
        ("risks.csv", "BTS số 1,VIETTEL", "BTS số 1,VIETTELL"),
    )
    assert faults_of(folder) == [
        "risks.csv:5:owner: no party has this code; did you mean VIETTEL? (VIETTELL)",
    ]


def test_every_fault_of_every_file_is_told_at_once(tmp_path):
    folder = changed(
        tmp_path,
        ("election.yml", "2021-05-23", "hôm nay"),
        ("areas.csv", "commune,Xã Một", "xã,Xã Một"),
        ("sites.csv", "UB2,00002", "UB2,00009"),
        ("targets.csv", "5060", "x"),
        ("targets.csv", "127.1.1.5", "127.1.1.500"),
        ("shifts/ca.csv", "response,VNPT-1", "response,VNPT-9"),
    )
    with pytest.raises(InventoryFaultsError) as caught:
        load(folder)
    places = [(fault.file, fault.line, fault.column) for fault in caught.value.faults]
    assert places == [
        ("areas.csv", 4, "kind"),
        ("election.yml", 4, "day"),
        ("shifts/ca.csv", 2, "person"),
        ("sites.csv", 3, "area"),
        ("targets.csv", 2, "port"),
        ("targets.csv", 6, "address"),
    ]
    assert str(caught.value).splitlines()[4] == "targets.csv:2:port: phải là số nguyên từ 1 đến 65535 (x)"


def test_a_name_that_resolves_nowhere_does_not_stop_a_start(tmp_path):
    inventory = loaded(tmp_path, ("targets.csv", "web.xa-hai.example", "Khong-Co.Invalid"))
    assert inventory.targets["T3"].address == "khong-co.invalid"


def test_the_digest_names_the_content_and_not_its_dress(tmp_path):
    folder = copy_of_good(tmp_path)
    election = (folder / "election.yml").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "election.yml").write_text("# ghi chú\n" + "".join([election[1], election[0], *election[2:]]))
    sites = (folder / "sites.csv").read_bytes()
    (folder / "sites.csv").write_bytes(
        b"\xef\xbb\xbf" + sites.replace(b"\n", b"\r\n").replace(b"1200", b'"1200"')
    )
    assert load(folder).digest == load(GOOD).digest


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sites.csv", "1200", "1201"),
        ("targets.csv", "127.1.1.2", "127.1.1.3"),
        ("policy.yml", "cadence: 5s", "cadence: 6s"),
        ("shifts/ca.csv", "2021-05-20 06:00", "2021-05-20 07:00"),
    ],
)
def test_the_digest_changes_with_any_content(file, old, new, tmp_path):
    assert loaded(tmp_path, (file, old, new)).digest != load(GOOD).digest


def test_the_digest_changes_with_the_order_of_the_fleet(tmp_path):
    folder = copy_of_good(tmp_path)
    header, first, second, *rest = (folder / "targets.csv").read_text().splitlines(keepends=True)
    (folder / "targets.csv").write_text("".join([header, second, first, *rest]))
    assert load(folder).digest != load(GOOD).digest


def test_a_file_too_large_is_refused_unread(tmp_path):
    folder = copy_of_good(tmp_path)
    with (folder / "links.csv").open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    (fault,) = examine(folder).faults
    assert (fault.file, fault.value) == ("links.csv", f"{MAX_BYTES + 1} byte")
    assert (
        fault.reason_en == "the file is larger than 131072 KiB; split it, or check that it is the right one"
    )


def test_more_rows_than_a_list_may_have_are_one_fault(tmp_path):
    folder = copy_of_good(tmp_path)
    with (folder / "links.csv").open("a") as stream:
        stream.write("L,x,VNPT,94,941,,\n" * MAX_ROWS)
    assert faults_of(folder) == [f"links.csv:{MAX_ROWS + 2}: more than 1000000 rows; split the inventory"]


def test_a_thousand_wrong_references_are_told_without_delay(tmp_path):
    folder = copy_of_good(tmp_path)
    with (folder / "targets.csv").open("a") as stream:
        stream.writelines(f"X{n},KHONG-CO-{n},icmp,127.2.{n // 200}.{n % 200},,,\n" for n in range(1000))
    told = faults_of(folder)
    assert len(told) == 1000


def test_a_folder_that_is_none_is_a_fault(tmp_path):
    (fault,) = examine(tmp_path / "không có").faults
    assert fault.reason_en == "there is no such folder"


def test_a_folder_without_rosters_is_a_fault(tmp_path):
    folder = copy_of_good(tmp_path)
    (folder / "shifts" / "ca.csv").unlink()
    assert faults_of(folder) == ["shifts: there must be at least one roster *.csv"]


def test_notes_beside_the_lists_are_nobodys_business(tmp_path):
    folder = copy_of_good(tmp_path)
    (folder / "README.md").write_text("ghi chú")
    (folder / ".~lock.sites.csv#").write_text("x")
    assert load(folder).digest == load(GOOD).digest
