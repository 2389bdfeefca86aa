"""Signing in at the department's own identity provider (OpenID Connect Core 1.0, code flow with PKCE, RFC 7636).

The provider proves who somebody is; what they may do stays ours. An identity (issuer and subject) opens the account
that it is linked to; the first time it is linked to the open account whose name the provider's claim gives, so an
administrator opens the account before and nobody gets one by having signed in somewhere. The state is bound to the
browser by a cookie and serves once; the token's issuer, audience, time and nonce are checked (Core, 3.1.3.7).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from requests.exceptions import RequestException
from sqlalchemy.ext.asyncio import AsyncEngine

from dashboards.auth import account_name
from dashboards.security import token_hash
from dashboards.settings import OidcSettings
from inventory import audit, store
from inventory import credential_store as credentials
from inventory.access import Actor, Role
from inventory.database import reading, transaction

__all__ = ["Departure", "Federation", "FederationError"]

log = structlog.get_logger(__name__)

_WITHIN = timedelta(minutes=10)
_DEADLINE_SECONDS = 10
_LEEWAY_SECONDS = 60
_SIGNED_WITH = ["RS256", "PS256", "ES256", "EdDSA"]
"""Never HS256: its key would be our client secret, and never none."""


class FederationError(Exception):
    """Signing in at the provider did not work out; the sentence is for the log, not for the page."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where to send the browser, and the state to bind it to."""

    url: str
    state: str


@dataclass(frozen=True, slots=True)
class _Provider:
    authorize: str
    token: str
    userinfo: str
    keys: KeySet


class Federation:
    """Sends people to the provider and knows them again when they come back."""

    def __init__(
        self,
        *,
        settings: OidcSettings,
        database: AsyncEngine,
        clock: Callable[[], datetime],
        token: Callable[[], str],
        public_url: str,
    ) -> None:
        self.settings = settings
        self._database = database
        self._clock = clock
        self._token = token
        self._back = f"{public_url.rstrip('/')}/sign-in/provider/back"

    async def depart(self, then: str) -> Departure:
        """Begin a sign-in that ends at the page ``then``; raises FederationError while the provider is away."""
        provider = await asyncio.to_thread(self._discover)
        state, nonce, verifier = self._token(), self._token(), self._token()
        now = self._clock()
        async with transaction(self._database) as connection:
            await credentials.add_federated_sign_in(
                connection,
                now=now,
                state_hash=token_hash(state),
                nonce=nonce,
                verifier=verifier,
                next=then,
                expires_at=now + _WITHIN,
            )
        with self._session() as session:
            url, _ = session.create_authorization_url(
                provider.authorize, state=state, code_verifier=verifier, nonce=nonce
            )
        return Departure(url, state)

    async def arrive(self, query: Mapping[str, str], *, state: str) -> tuple[Actor, str]:
        """Answer who came back and the page they wanted; raises FederationError. ``state`` is the browser's cookie."""
        if not state or query.get("state") != state:
            raise FederationError("the answer belongs to no sign-in of this browser")
        now = self._clock()
        async with transaction(self._database) as connection:
            begun = await credentials.take_federated_sign_in(connection, token_hash(state), now=now)
        if begun is None:
            raise FederationError("the sign-in took too long, or its answer came twice")
        if "error" in query or "code" not in query:
            raise FederationError(f"the provider says {query.get('error', 'nothing')[:80]!r}")
        claims = await asyncio.to_thread(self._redeem, query["code"], begun.verifier, begun.nonce, now)
        return await self._known(claims), begun.next

    def _session(self) -> OAuth2Session:
        settings = self.settings
        return OAuth2Session(
            settings.client_id,
            settings.client_secret.get_secret_value(),
            scope="openid profile email",
            redirect_uri=self._back,
            code_challenge_method="S256",
            default_timeout=_DEADLINE_SECONDS,
        )

    def _discover(self) -> _Provider:
        """Read the provider's own description; its issuer must be the one we asked (Discovery 1.0, 4.3)."""
        issuer = self.settings.issuer.rstrip("/")
        try:
            with self._session() as session:
                described = self._fetched(session, f"{issuer}/.well-known/openid-configuration")
                if str(described["issuer"]).rstrip("/") != issuer:
                    raise FederationError(f"the provider calls itself {described['issuer']!r}")
                keys = KeySet.import_key_set(self._fetched(session, described["jwks_uri"]))
                return _Provider(
                    described["authorization_endpoint"],
                    described["token_endpoint"],
                    described.get("userinfo_endpoint", ""),
                    keys,
                )
        except (RequestException, KeyError, ValueError, JoseError) as error:
            raise FederationError(f"the provider does not answer as it should: {error}") from error

    @staticmethod
    def _fetched(session: OAuth2Session, url: str) -> Any:
        answer = session.get(url, withhold_token=True, timeout=_DEADLINE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def _redeem(self, code: str, verifier: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        provider = self._discover()
        try:
            with self._session() as session:
                given = session.fetch_token(provider.token, code=code, code_verifier=verifier)
                claims = self._checked(given["id_token"], provider.keys, nonce, now)
                if self.settings.claim in claims or not provider.userinfo:
                    return claims
                return {**self._more(session, provider.userinfo, claims["sub"]), **claims}
        except (AuthlibBaseError, JoseError, RequestException, KeyError, ValueError) as error:
            raise FederationError(f"the code was not redeemed: {error}") from error

    def _checked(self, token: str, keys: KeySet, nonce: str, now: datetime) -> Mapping[str, Any]:
        claims = jwt.decode(token, keys, algorithms=_SIGNED_WITH).claims
        registry = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(claims)
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and claims.get("azp") != self.settings.client_id:
            raise FederationError("the token was made for somebody else")
        return claims

    @staticmethod
    def _more(session: OAuth2Session, url: str, subject: str) -> Mapping[str, Any]:
        """Read the claims that the provider keeps out of the token; they must be of the same subject (Core, 5.3.2)."""
        answer = session.get(url, timeout=_DEADLINE_SECONDS)
        answer.raise_for_status()
        told: Mapping[str, Any] = answer.json()
        if told.get("sub") != subject:
            raise FederationError("the provider tells of somebody else")
        return told

    async def _known(self, claims: Mapping[str, Any]) -> Actor:
        """Answer whose account the identity opens, linking it the first time."""
        issuer, subject = self.settings.issuer, str(claims["sub"])
        async with reading(self._database) as connection:
            name = await credentials.account_of_identity(connection, issuer, subject)
        if name is None:
            name = await self._link(issuer, subject, claims)
        async with reading(self._database) as connection:
            account = await store.account_named(connection, name)
        if account is None or account.disabled_at is not None or account.role is Role.MACHINE:
            raise FederationError(f"the account {name!r} is closed")
        return account.actor

    async def _link(self, issuer: str, subject: str, claims: Mapping[str, Any]) -> str:
        given = claims.get(self.settings.claim)
        name = account_name(given) if isinstance(given, str) else ""
        if self.settings.claim == "email" and claims.get("email_verified") is not True:
            raise FederationError("the provider has not verified the address")
        now = self._clock()
        async with transaction(self._database) as connection:
            account = await store.account_named(connection, name) if name else None
            if account is None or account.disabled_at is not None or account.role is Role.MACHINE:
                raise FederationError(f"there is no open account {name!r} for {subject!r}")
            if issuer in await credentials.identities_of(connection, name):
                raise FederationError(f"the account {name!r} belongs to another identity already")
            await credentials.link_identity(
                connection, issuer=issuer, subject=subject, account=name, linked_at=now
            )
            await audit.write(
                connection,
                at=now,
                actor=name,
                act=audit.AuditAct.IDENTITY_LINKED,
                subject=name,
                details=f"{issuer} {subject}",
            )
        log.info("identity linked", account=name, issuer=issuer)
        return name
