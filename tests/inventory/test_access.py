"""Who may do what, and whose trouble a carrier may see."""

import pytest

from inventory.access import Actor, Right, Role, rights_of


def test_a_carrier_acts_on_its_own_incidents_and_never_closes_them():
    carrier = Actor("vnpt", Role.CARRIER, party="VNPT")
    assert carrier.may(Right.ACT_ON_INCIDENTS)
    assert not carrier.may(Right.CLOSE_INCIDENTS)
    assert not carrier.may(Right.SEE_BOARD)
    assert carrier.scope == "VNPT"
    assert carrier.sees_party("VNPT")
    assert not carrier.sees_party("VIETTEL")


def test_a_carrier_without_a_party_sees_nobody_rather_than_everybody():
    lost = Actor("lost", Role.CARRIER)
    assert lost.scope == ""
    assert not lost.sees_party("")
    assert not lost.sees_party("VNPT")


@pytest.mark.parametrize("role", [Role.LEADER, Role.DUTY_OFFICER])
def test_the_department_sees_every_party_and_signs_off(role):
    officer = Actor("o", role, party="STTTT")
    assert officer.scope is None
    assert officer.sees_party("VNPT")
    assert officer.may(Right.CLOSE_INCIDENTS)


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.INSPECTOR, Role.SUPPORT_OFFICER])
def test_who_only_reads_cannot_act(role):
    assert not rights_of(role) & {Right.ACT_ON_INCIDENTS, Right.CLOSE_INCIDENTS, Right.ADMINISTER}


def test_every_role_has_its_rights_and_only_the_administrator_administers():
    assert all(rights_of(role) for role in Role)
    assert [role for role in Role if Right.ADMINISTER in rights_of(role)] == [Role.ADMINISTRATOR]


def test_a_machine_of_a_carrier_sees_what_the_carrier_sees():
    tool = Actor("vnpt-noc", Role.MACHINE, party="VNPT")
    assert tool.scope == "VNPT"
    assert tool.may(Right.ACT_ON_INCIDENTS)
    assert not tool.may(Right.SEE_BOARD)
    assert Actor("grafana", Role.MACHINE).scope is None


def test_a_token_never_gives_more_than_its_account_has():
    narrow = Actor("trucban", Role.DUTY_OFFICER, limits=frozenset({Right.SEE_BOARD, Right.ADMINISTER}))
    assert narrow.may(Right.SEE_BOARD)
    assert not narrow.may(Right.ADMINISTER)
    assert not narrow.may(Right.ACT_ON_INCIDENTS)
