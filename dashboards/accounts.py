"""Everybody's accounts, for the administrator: open, change, close; and the audit of what was done to access."""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import sha256

from starlette.responses import Response

from dashboards.account import TOKEN_DAYS
from dashboards.auth import AccountExistsError, account_name
from dashboards.i18n import N_
from dashboards.passwords import readable_password
from dashboards.visit import PageError, Visit
from inventory.access import Right, Role, rights_of
from inventory.store import Account

__all__ = ["accounts", "act", "audited", "one", "open_account"]

_LINES = 100


async def accounts(visit: Visit) -> Response:
    """List every account, with the form that opens another."""
    return await _list(visit)


async def _list(
    visit: Visit, *, status: int = 200, fault: str = "", opened: str = "", password: str = ""
) -> Response:
    inventory = visit.deps.monitor.inventory
    return visit.page(
        "accounts.html",
        status=status,
        fault=fault,
        opened=opened,
        password=password,
        accounts=await visit.deps.auth.accounts(),
        roles=tuple(Role),
        parties=inventory.parties.values(),
        people=inventory.people.values(),
        form=visit.form,
    )


async def open_account(visit: Visit) -> Response:
    """Open an account with a password that is shown once and must be changed."""
    name, role = account_name(visit.form.get("name", "")), visit.form.get("role", "")
    party, person = visit.form.get("party", ""), visit.form.get("person", "")
    fault = _fault_of(visit, name, role, party, person)
    if fault:
        return await _list(visit, status=422, fault=fault)
    password = _fresh(visit)
    try:
        await visit.deps.auth.add(
            name,
            Role(role),
            password,
            party=party,
            person=person,
            must_change=True,
            actor=visit.who.name,
        )
    except AccountExistsError:
        return await _list(visit, status=409, fault=N_("There is an account of that name already."))
    return await _list(visit, opened=name, password="" if Role(role) is Role.MACHINE else password)


def _fresh(visit: Visit) -> str:
    return readable_password(sha256(visit.deps.token().encode()).digest())


def _fault_of(visit: Visit, name: str, role: str, party: str, person: str) -> str:
    inventory = visit.deps.monitor.inventory
    if not name:
        return N_("Give the account a name.")
    if role not in set(Role):
        return N_("Choose a role.")
    if party and party not in inventory.parties:
        return N_("The inventory knows no such party.")
    if person and person not in inventory.people:
        return N_("The inventory knows no such person.")
    if Role(role).is_scoped and not party:
        return N_("A carrier's account needs its party, so that it sees only what is its own.")
    return ""


async def one(visit: Visit) -> Response:
    """Show one account: what it is, its sessions and tokens."""
    return await _show(visit, await _wanted(visit))


async def _wanted(visit: Visit) -> Account:
    name = account_name(visit.request.path_params["name"])
    found = next((each for each in await visit.deps.auth.accounts() if each.name == name), None)
    if found is None:
        raise PageError(404, N_("There is no such account."), N_("Look at the list of accounts."))
    return found


async def _show(
    visit: Visit, found: Account, *, status: int = 200, fault: str = "", password: str = "", token: str = ""
) -> Response:
    deps = visit.deps
    return visit.page(
        "account_of.html",
        status=status,
        fault=fault,
        password=password,
        token=token,
        account=found,
        sessions=await deps.auth.sessions(found.name),
        has_factor=await deps.factors.is_asked(found.name),
        tokens=await deps.tokens.of(found.name),
        rights=sorted(rights_of(found.role, found.party) - {Right.ADMINISTER}),
        days=TOKEN_DAYS,
        lines=await deps.auth.audited(limit=20, actor=found.name),
    )


async def act(visit: Visit) -> Response:
    """Do to an account what a form of its page asks for."""
    found = await _wanted(visit)
    action = _ACTIONS.get(visit.request.path_params["action"])
    if action is None:
        raise PageError(404, N_("There is no such page."), N_("Go back to the board."))
    return await action(visit, found)


async def _give_password(visit: Visit, found: Account) -> Response:
    password = _fresh(visit)
    await visit.deps.auth.give_password(found.name, password, actor=visit.who.name)
    return await _show(visit, found, password=password)


async def _close(visit: Visit, found: Account) -> Response:
    if found.name == visit.who.name:
        return await _show(visit, found, status=422, fault=N_("You cannot close your own account."))
    await visit.deps.auth.disable(found.name, actor=visit.who.name)
    return visit.go("/accounts")


async def _end_session(visit: Visit, found: Account) -> Response:
    await visit.deps.auth.end_session(found.name, visit.form.get("handle", ""), actor=visit.who.name)
    return visit.go(f"/accounts/{found.name}")


async def _drop_factor(visit: Visit, found: Account) -> Response:
    await visit.deps.factors.drop(found.name, actor=visit.who.name, address=visit.address)
    return visit.go(f"/accounts/{found.name}")


async def _give_token(visit: Visit, found: Account) -> Response:
    """Give a machine its token; one without an end is allowed here, because a forgotten end silences a probe."""
    if found.role is not Role.MACHINE:
        return await _show(visit, found, status=422, fault=N_("People make their own tokens."))
    label, days = visit.form.get("label", ""), visit.form.get("days", "")
    held = rights_of(found.role, found.party)
    wanted = frozenset(right for right in held if visit.form.get(f"right-{right}"))
    if not label or not wanted:
        fault = N_("Say what the token is for, and choose what it may do.")
        return await _show(visit, found, status=422, fault=fault)
    secret = await visit.deps.tokens.give(
        found.name,
        label=label,
        rights=wanted,
        days=int(days) if days in {str(each) for each in TOKEN_DAYS} else None,
        actor=visit.who.name,
        address=visit.address,
    )
    return await _show(visit, found, token=secret)


async def _revoke_token(visit: Visit, found: Account) -> Response:
    number = visit.form.get("token", "")
    if number.isdecimal() and len(number) < 18:
        await visit.deps.tokens.revoke(
            int(number), account=found.name, actor=visit.who.name, address=visit.address
        )
    return visit.go(f"/accounts/{found.name}")


_ACTIONS: Mapping[str, Callable[[Visit, Account], Awaitable[Response]]] = {
    "password": _give_password,
    "close": _close,
    "end-session": _end_session,
    "drop-factor": _drop_factor,
    "give-token": _give_token,
    "revoke-token": _revoke_token,
}


async def audited(visit: Visit) -> Response:
    """Show what was done to access, newest first."""
    given = visit.request.query_params.get("before", "")
    before = int(given) if given.isdecimal() and len(given) < 18 else None
    lines = await visit.deps.auth.audited(
        limit=_LINES, before=before, actor=account_name(visit.request.query_params.get("who", ""))
    )
    return visit.page(
        "audit.html",
        lines=lines,
        who=visit.request.query_params.get("who", ""),
        older=lines[-1].id if len(lines) == _LINES else None,
    )
