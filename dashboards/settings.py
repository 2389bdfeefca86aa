"""What of the pages a department may set."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from dashboards.i18n import Language

__all__ = ["OidcSettings", "PagesSettings"]


class OidcSettings(BaseModel):
    """The department's own identity provider (OpenID Connect)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="Address that names the provider, exactly as in its own description.")
    client_id: str = Field(description="Our name at the provider.")
    client_secret: SecretStr = Field(description="Our password at the provider.")
    name: str = Field(default="SSO", description="What the button on the sign-in page calls the provider.")
    claim: str = Field(
        default="preferred_username",
        description="Claim that names the account at the first sign-in; email must be verified.",
    )


class PagesSettings(BaseModel):
    """Section ``pages`` of the settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Address under which people reach the pages; https makes cookies secure",
    )
    language: Language = Field(default=Language.VI, description="Language of somebody who has not chosen one")
    session_idle: timedelta = Field(
        default=timedelta(hours=13),
        description="A session unused for so long ends; longer than a 12-hour shift",
    )
    session_length: timedelta = Field(
        default=timedelta(days=7), description="A session ends after so long at most"
    )
    wall_session_length: timedelta = Field(
        default=timedelta(days=60), description="The same for a wall screen, which never idles out"
    )
    stale_after: timedelta = Field(
        default=timedelta(seconds=15),
        description="Pages say that data is old when no result came for so long",
    )

    oidc: OidcSettings | None = Field(
        default=None, description="The department's identity provider; none: names and passwords only"
    )

    @property
    def is_secure(self) -> bool:
        """Whether cookies may travel over https only."""
        return self.public_url.startswith("https://")
