from pabal.message.facts import scan_facts
from pabal.store.threads import KEYS_MAX, thread_keys


def keys(text: str) -> list[int]:
    return list(thread_keys(scan_facts(text.encode() + b"\r\nbody\r\n")))


def test_own_id_then_parent_then_ancestors() -> None:
    answer = keys(
        "Message-ID: <3@x>\r\nIn-Reply-To: <2@x>\r\nReferences: <1@x> <2@x>\r\n"
    )
    assert len(answer) == 3
    assert keys("Message-ID: <2@x>\r\n") == answer[1:2]
    assert keys("Message-ID: <1@x>\r\n") == answer[2:]
    assert all(0 <= key < 2**63 for key in answer)


def test_no_ids_no_keys_and_never_too_many() -> None:
    assert keys("Subject: x\r\n") == []
    long = " ".join(f"<{number}@x>" for number in range(100))
    assert len(keys(f"References: {long}\r\n")) == KEYS_MAX
