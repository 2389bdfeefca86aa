"""What an administrator may set, and what the README says of it."""

from pathlib import Path

import httpx2
import pytest
from pydantic import ValidationError

from monitor.cli import main
from monitor.cli.serve import listening
from monitor.settings import read_settings, table_of_settings

README = Path(__file__).parent.parent.parent / "README.md"


@pytest.fixture(autouse=True)
def _no_settings_of_ours(monkeypatch):
    for name in ("THONGSUOT_EMAIL__HOST", "THONGSUOT_EMAIL__SENDER", "THONGSUOT_SECRETS_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_the_readme_lists_every_setting_as_it_is():
    text = README.read_text(encoding="utf-8")
    listed = text.partition("<!-- settings -->\n")[2].partition("\n<!-- /settings -->")[0]
    assert listed == table_of_settings()


def test_a_section_is_set_by_two_underscores(monkeypatch, tmp_path):
    monkeypatch.setenv("THONGSUOT_EMAIL__HOST", "mail.local")
    monkeypatch.setenv("THONGSUOT_EMAIL__SENDER", "truc-ban@so.example")
    settings = read_settings(inventory=tmp_path)
    assert settings.email.host == "mail.local"
    assert settings.sms is None


def test_a_misspelt_name_inside_a_section_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("THONGSUOT_EMAIL__HOST", "mail.local")
    monkeypatch.setenv("THONGSUOT_EMAIL__SENDER", "truc-ban@so.example")
    monkeypatch.setenv("THONGSUOT_EMAIL__PORTT", "25")
    with pytest.raises(ValidationError, match="portt"):
        read_settings(inventory=tmp_path)


def test_a_wrong_setting_is_named_and_what_was_given_is_not_repeated(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("THONGSUOT_SMS__TOKEN", "token-cua-cong-sms")
    monkeypatch.setenv("THONGSUOT_PORT", "mat-khau-dan-nham")
    monkeypatch.setenv("THONGSUOT_STATE", str(tmp_path))
    with pytest.raises(ValidationError) as refused:
        read_settings(inventory=tmp_path)
    assert main(["serve", "--inventory", str(tmp_path)]) == 2
    told = f"{refused.value}{capsys.readouterr().err}"
    assert "THONGSUOT_PORT: " in told
    assert "THONGSUOT_SMS__" in told
    assert "token-cua-cong-sms" not in told
    assert "mat-khau-dan-nham" not in told


def test_what_the_command_line_says_wins_over_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("THONGSUOT_PORT", "9000")
    assert read_settings(inventory=tmp_path, port=8081).port == 8081
    assert read_settings(inventory=tmp_path, port=None).port == 9000


@pytest.mark.parametrize(
    ("proxies", "seen"), [((), "127.0.0.1"), (("127.0.0.1",), "203.0.113.9"), (("10.0.0.0/8",), "127.0.0.1")]
)
async def test_who_asks_is_said_by_the_connection_or_by_a_proxy_that_is_named(tmp_path, proxies, seen):
    async def app(scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["client"][0].encode()})

    config = listening(read_settings(inventory=tmp_path, proxies=proxies), app)
    config.load()
    transport = httpx2.ASGITransport(app=config.loaded_app, client=("127.0.0.1", 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        # What stands before the last was written by whoever asked, and may be invented.
        answer = await client.get("/", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    assert answer.text == seen


def test_a_secret_may_lie_in_a_file_and_never_prints(monkeypatch, tmp_path):
    (tmp_path / "thongsuot_administrator_password").write_text("bí mật", encoding="utf-8")
    monkeypatch.setenv("THONGSUOT_SECRETS_DIR", str(tmp_path))
    settings = read_settings(inventory=tmp_path)
    assert settings.administrator_password.get_secret_value() == "bí mật"
    assert "bí mật" not in repr(settings)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_postgresql_address_may_be_written_as_other_tools_write_it(tmp_path, scheme):
    settings = read_settings(inventory=tmp_path, database_url=f"{scheme}://ts@db.local/thongsuot")
    assert settings.url == "postgresql+psycopg://ts@db.local/thongsuot"


def test_without_a_database_address_the_state_folder_holds_a_file(tmp_path):
    settings = read_settings(inventory=tmp_path, state=tmp_path)
    assert settings.url == f"sqlite+aiosqlite:///{tmp_path / 'thongsuot.db'}"
