import os
import time

from pabal.app.vitals import vitals
from pabal.base.metrics import Extent


async def test_they_are_those_of_this_process() -> None:
    found = {one.name: one for one in await vitals("1.2", Extent.USUAL)}
    value = {name: one.samples[0].value for name, one in found.items()}
    assert found["pabal_build_info"].samples[0].labels == (("version", "1.2"),)
    assert value["process_cpu_seconds_total"] > 0
    assert 5e6 < value["process_resident_memory_bytes"] < 1e10
    resident = value["process_resident_memory_bytes"]
    assert value["process_virtual_memory_bytes"] > resident
    before = value["process_open_fds"]
    reading, writing = os.pipe()
    after = {one.name: one for one in await vitals("", Extent.USUAL)}
    os.close(reading)
    os.close(writing)
    assert after["process_open_fds"].samples[0].value == before + 2
    assert value["process_max_fds"] >= before
    age = time.time() - value["process_start_time_seconds"]
    assert -1 < age < 86_400
