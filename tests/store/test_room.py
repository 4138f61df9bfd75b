from pabal.store.room import fitting
from tests.migration.places import an_account
from tests.store.contract.letters import letter, put

SIZES = [100, 200, 300]


async def test_room() -> None:
    account = await an_account()
    inbox = await account.mailbox("INBOX")
    text = letter("there")
    await put(account, inbox, text)
    there = len(text)
    assert await fitting(account, SIZES, octets=0, messages=0) == 3
    assert await fitting(account, SIZES, octets=0, messages=1) == 0
    assert await fitting(account, SIZES, octets=0, messages=3) == 2
    assert await fitting(account, SIZES, octets=there + 300, messages=0) == 2
    assert await fitting(account, SIZES, octets=there + 299, messages=9) == 1
    assert await fitting(account, SIZES, octets=there + 600, messages=4) == 3
    assert await fitting(account, [], octets=1, messages=1) == 0
