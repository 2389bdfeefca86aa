"""Killed again and again in a storm, the service loses no incident and no page (``make soak``: 200 kills a database)."""

import os

import pytest

from tests.support.soak import a_soak, storm

KILLS = int(os.environ.get("THONGSUOT_SOAK_KILLS", "200"))


async def balanced(tmp_path, url, *, kills, **more):
    async with a_soak(tmp_path, url) as soak:
        await storm(soak, kills=kills, **more)
        await soak.finish()
    books = soak.books
    print(f"\n{url.partition(':')[0]}: {books.shown()}")
    assert books.faults == []
    assert books.incidents == books.conditions
    assert books.duplicates <= books.killed_after_send + books.answers_withheld
    return books


@pytest.mark.timeout(600)
async def test_a_few_kills_in_a_storm_lose_nothing_and_double_nothing(tmp_path, database_url):
    books = await balanced(tmp_path, database_url, kills=3, believed_a_life=3, longest_life=0.6)
    assert books.kills == 4
    assert books.pages >= books.conditions


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_two_hundred_kills_in_a_storm_lose_nothing_and_double_nothing(tmp_path, database_url, capsys):
    with capsys.disabled():
        books = await balanced(tmp_path, database_url, kills=KILLS)
    assert books.kills >= KILLS
    assert books.acknowledged > 0
