"""A sealed secret opens by its key in its place, and by nothing else; keys lie in a file that only its owner reads."""

import stat
import threading

import pytest

from inventory.seal import (
    KEY_BYTES,
    BrokenSealError,
    MalformedKeyError,
    Place,
    UnknownKeyError,
    is_sealed,
    name_in,
    open_sealed,
    read_keys,
    seal,
    written,
)
from inventory.seal_file import GivenKeys, KeyFile, KeyFileError
from tests.support.sealing import a_key

HERE = Place("second_factors.secret", "trucban")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def keys(*numbers):
    return read_keys(" ".join(map(a_key, numbers)), "here")


def drawn(length, _count=iter(range(1, 250))):  # noqa: B008 - one count for all draws of this file is what is meant
    return bytes([next(_count)]) * length


def test_what_was_sealed_opens_in_its_place_and_shows_neither_itself_nor_the_key():
    [key] = keys(1)
    sealed = seal(SECRET, HERE, key)
    assert open_sealed(sealed, HERE, [key], "here") == SECRET
    assert is_sealed(sealed)
    assert name_in(sealed) == key.name
    assert SECRET not in sealed
    assert a_key(1) not in f"{sealed} {key!r}"
    assert len(seal("w" * 64, HERE, key)) <= 200


@pytest.mark.parametrize(
    "place",
    [
        Place("second_factors.secret", "admin"),
        Place("webhook_endpoints.secret", "trucban"),
        Place("second_factors.secrett", "rucban"),
    ],
)
def test_what_was_moved_to_another_row_or_column_does_not_open(place):
    with pytest.raises(BrokenSealError, match="set the secret anew"):
        open_sealed(seal(SECRET, HERE, keys(1)[0]), place, keys(1), "here")


def test_no_letter_of_a_sealed_secret_can_be_changed():
    [key] = keys(1)
    sealed = seal(SECRET, HERE, key)
    start = len(f"sealed.{key.name}.")
    for at in range(start, len(sealed) - 1):
        other = "A" if sealed[at] != "A" else "B"
        with pytest.raises(BrokenSealError):
            open_sealed(sealed[:at] + other + sealed[at + 1 :], HERE, [key], "here")
    for cut in (sealed[:start], sealed[:-5], f"{sealed}AAAA", f"{sealed[:start]}đ"):
        with pytest.raises(BrokenSealError):
            open_sealed(cut, HERE, [key], "here")


def test_a_key_that_is_not_here_is_named_with_where_it_should_be():
    old, new = keys(1, 2)
    with pytest.raises(
        UnknownKeyError, match=rf"secret of trucban is sealed by key {old.name}.*/etc/ts/seal\.key"
    ):
        open_sealed(seal(SECRET, HERE, old), HERE, [new], "/etc/ts/seal.key")


def test_a_secret_from_before_there_were_seals_is_answered_as_it_is():
    assert open_sealed(SECRET, HERE, (), "here") == SECRET


def test_keys_stand_between_spaces_or_lines_with_or_without_padding_and_each_counts_once():
    text = f"{a_key(2)}=\n  {a_key(1)}\t{a_key(2)}\n"
    assert [key.text for key in read_keys(text, "here")] == [a_key(2), a_key(1)]


@pytest.mark.parametrize(
    "wrong", ["x", "mật-khẩu", "A" * 42, "A" * 44, "A" * 86, a_key(1)[:-1] + "!", a_key(1) + "+/"]
)
def test_what_is_no_key_is_refused_by_its_number_and_never_repeated(wrong):
    with pytest.raises(MalformedKeyError, match="THERE: key 2 is not 32 bytes") as refused:
        read_keys(f"{a_key(1)} {wrong}", "THERE")
    assert wrong not in str(refused.value) or wrong == "x"


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path):
    file = KeyFile(tmp_path / "seal.key", drawn)
    assert file.load() == ()
    [made] = file.make()
    assert file.make() == file.load() == (made,)
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["seal.key"]


def test_processes_that_make_the_file_at_once_have_the_same_key(tmp_path):
    found, ready = [], threading.Barrier(8)

    def make(number):
        file = KeyFile(tmp_path / "seal.key", lambda length: bytes([number]) * length)
        ready.wait()
        found.append(file.make())

    threads = [threading.Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({keys[0].name for keys in found}) == 1


def test_turning_puts_a_new_key_first_and_keeps_the_old_one(tmp_path):
    file = KeyFile(tmp_path / "seal.key", drawn)
    [first] = file.make()
    new, old = file.turn()
    assert (new.name != first.name, old) == (True, first)
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_read_or_made_is_said_so_by_name(tmp_path):
    (tmp_path / "seal.key").write_bytes(b"")
    with pytest.raises(MalformedKeyError, match=r"seal\.key: key 1"):
        KeyFile(tmp_path / "seal.key", drawn).load()
    (tmp_path / "seal.key").write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileError, match=r"seal\.key cannot be read"):
        KeyFile(tmp_path / "seal.key", drawn).load()
    with pytest.raises(KeyFileError, match=r"nowhere/seal\.key cannot be made"):
        KeyFile(tmp_path / "nowhere" / "seal.key", drawn).make()


def test_keys_of_the_settings_are_read_anew_and_never_made():
    given = GivenKeys(written(b"k" * KEY_BYTES), "THONGSUOT_SEAL_KEY")
    assert given.make() == given.load()
    with pytest.raises(MalformedKeyError, match="THONGSUOT_SEAL_KEY: key 1"):
        GivenKeys("  ", "THONGSUOT_SEAL_KEY").load()
