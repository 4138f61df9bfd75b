from tests.mta.stage import MESSAGE, Stage, settings, stranger


async def refused(stage: Stage, *to: str, message: bytes = MESSAGE) -> str:
    outcome = await stage.receive(*to, message=message)
    await stage.close()
    assert not outcome.ok
    return str(outcome)


async def test_everybody_is_welcome() -> None:
    stage = Stage()
    assert (await stage.receiver.connected(stranger())).ok
    await stage.close()


async def test_no_relay() -> None:
    stage = Stage()
    assert (await refused(stage, "x@far.test")).startswith("550 5.7.1")
    assert stage.ledger.stages() == ["refused"]
    assert await stage.queue.items(10) == []


async def test_the_null_reverse_path_is_welcome() -> None:
    stage = Stage()
    assert (await stage.receive("alice@here.test", sender="")).ok
    [octets] = await stage.inbox(2)
    assert octets.startswith(b"Return-Path: <>\r\n")
    await stage.close()


async def test_too_large() -> None:
    stage = Stage(settings(message_size_max_octets=200))
    big = MESSAGE + b"x" * 500
    assert (await refused(stage, "alice@here.test", message=big)).startswith(
        "552 5.3.4"
    )
