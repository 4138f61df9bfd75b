from pabal.mta.queue import rows
from tests.mta.queue.contract import item


def test_values_survive_their_rows() -> None:
    one = item("보내@x.test", '"odd name"@y.test')
    row = rows.of_item(one, 5)
    back = rows.to_item(row, rows.of_recipients(one))
    assert back.recipients == one.recipients
    assert back.envelope == one.envelope
    assert back.size_octets == 5
    assert rows.octets_of(b"x") == b"x"
    assert rows.octets_of(None) == b""
