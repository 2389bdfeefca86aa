"""SNMPv3 keys for gufo: a passphrase is stretched to a megabyte and hashed once, not once an agent (RFC 3414 A.2)."""

from typing import Final

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    DesKey,
    Md5Key,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)
from gufo.snmp.user import KeyType

from probes.snmp_plan import Authentication, Credentials, Privacy

__all__ = ["Keyring", "master_key"]

_AUTH: Final[dict[Authentication, type[BaseAuthKey]]] = {
    Authentication.MD5: Md5Key,
    Authentication.SHA1: Sha1Key,
    Authentication.SHA224: Sha224Key,
    Authentication.SHA256: Sha256Key,
    Authentication.SHA384: Sha384Key,
    Authentication.SHA512: Sha512Key,
}
_PRIV: Final[dict[Privacy, type[BasePrivKey]]] = {
    Privacy.DES: DesKey,
    Privacy.AES128: Aes128Key,
    Privacy.AES192: Aes192Key,
    Privacy.AES256: Aes256Key,
}


class Keyring:
    """Users with master keys; each agent's own keys are derived from them by its engine's identifier."""

    def __init__(self) -> None:
        self._users: dict[Credentials, User] = {}

    def user(self, credentials: Credentials) -> User:
        """Answer the user, hashing its passphrases the first time; ValueError for what gufo cannot."""
        known = self._users.get(credentials)
        if known is None:
            known = self._users[credentials] = _user(credentials)
        return known


def master_key(auth: Authentication, passphrase: str) -> bytes:
    """Hash a passphrase as ``auth`` does; not yet bound to an engine."""
    return _AUTH[auth].get_master_key(passphrase.encode())


def _user(credentials: Credentials) -> User:
    if credentials.auth is None:
        return User(credentials.user)
    hashing = _AUTH[credentials.auth]
    auth = hashing(master_key(credentials.auth, credentials.auth_key), KeyType.Master)
    if credentials.priv is None:
        return User(credentials.user, auth_key=auth)
    hiding = _PRIV.get(credentials.priv)
    if hiding is None:
        raise ValueError(f"priv={credentials.priv} needs engine=pysnmp")
    priv = hiding(master_key(credentials.auth, credentials.priv_key), KeyType.Master)
    return User(credentials.user, auth_key=auth, priv_key=priv)
