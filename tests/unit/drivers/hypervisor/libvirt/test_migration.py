"""What of a migration by libvirt can be looked at without one."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from altus.drivers.hypervisor.libvirt.migration_course import Course, progress
from altus.drivers.hypervisor.libvirt.migration_job import Order, parameters
from altus.drivers.hypervisor.libvirt.migration_xml import copied, is_renamed, relocated
from altus.model.migration import MigrationMode, MigrationOptions

_LIVE = """<domain><os><kernel>/a/kernel</kernel><initrd>/a/initrd</initrd></os><devices>
<disk device="disk"><source file="/a/1.qcow2" index="2"/><target dev="vda"/></disk>
<disk device="cdrom"><target dev="sda"/></disk>
<disk device="cdrom"><source file="/state/a/seed.iso"/><readonly/><target dev="sdb"/></disk>
</devices></domain>"""


def test_files_are_where_the_other_host_has_them() -> None:
    there = _LIVE.replace("/a/", "/b/")
    moved = relocated(_LIVE, there)
    assert "/a/" not in moved
    assert moved.count("/b/") == _LIVE.count("/a/")
    assert 'index="2"' in moved


def test_a_disk_that_came_while_the_guest_ran_is_found_under_another_name() -> None:
    here = _LIVE.replace('<target dev="vda"/>', '<target dev="vdc"/><serial>s1</serial>')
    there = here.replace("/a/", "/b/").replace("vdc", "vda")
    moved = relocated(here, there)
    assert "/a/" not in moved
    assert "vdc" in moved


_BASED = """<domain><os><kernel>/a/kernel</kernel><cmdline>quiet</cmdline><boot dev="hd"/></os><devices>
<disk device="disk"><source file="/a/1.qcow2"/><backingStore><source file="/a/image"/></backingStore>
<target dev="vda"/></disk>
<disk device="disk"><source file="/a/2.qcow2"/><target dev="vdb"/></disk>
<disk device="cdrom"><source file="/state/a/seed.iso"/><readonly/><target dev="sda"/></disk>
</devices></domain>"""


def test_copies_stand_on_nothing_and_boot_without_the_kernel_that_stays_behind() -> None:
    there = _BASED.replace("/a/", "/b/").replace("<kernel>/b/kernel</kernel><cmdline>quiet</cmdline>", "")
    moved = relocated(_BASED, there, copies=True)
    assert "/a/" not in moved
    assert "kernel" not in moved
    assert "cmdline" not in moved
    assert "backingStore" not in moved
    assert "backingStore" in relocated(_BASED, there)


def test_copies_are_cached_as_the_other_host_can() -> None:
    direct, buffered = ('<driver name="qemu" type="qcow2" cache="none" io="native"/>',
                        '<driver name="qemu" type="qcow2" cache="writeback"/>')  # fmt: skip
    here, there = (_BASED.replace('<disk device="disk">', f'<disk device="disk">{driver}', 1)
                   for driver in (direct, buffered))  # fmt: skip
    driver = ET.fromstring(relocated(here, there, copies=True)).find("devices/disk/driver")
    assert driver is not None
    assert driver.attrib == {"name": "qemu", "type": "qcow2", "cache": "writeback"}
    assert 'cache="none"' in relocated(here, there)


def test_only_disks_that_are_written_are_copied() -> None:
    assert copied(_BASED) == ["vda", "vdb"]


def test_progress_tells_of_disks_first_and_then_of_memory() -> None:
    disks = {"disk_total": 300 << 20, "disk_remaining": 100 << 20, "disk_bps": 10 << 20}
    assert progress(disks, 100 << 20) == (0.5, "disks: 200 MiB of 300 MiB copied; about 10 s to go, then the memory")
    memory = {"memory_iteration": 1, "memory_total": 100 << 20, "memory_remaining": 50 << 20, "disk_remaining": 0}
    share, text = progress(disks | memory | {"disk_processed": 300 << 20}, 100 << 20)
    assert share == 0.875
    assert text.endswith("50 MiB left; disks: 300 MiB copied")


def test_progress_tells_what_is_left_and_when_it_will_be_done() -> None:
    share, text = progress({
        "memory_total": 400 << 20, "memory_remaining": 100 << 20, "data_processed": 300 << 20, "memory_bps": 30 << 20,
        "memory_dirty_rate": 1280, "memory_page_size": 4096,
    })  # fmt: skip
    assert share == 0.75
    assert text == "300 MiB sent, 100 MiB left; the guest changes 5 MiB a second; about 4 s to go"


def test_progress_promises_no_end_to_a_guest_that_changes_more_than_is_sent() -> None:
    share, text = progress({"memory_total": 100, "memory_remaining": 50, "memory_bps": 10, "memory_dirty_rate": 1,
                            "memory_page_size": 4096})  # fmt: skip
    assert share == 0.5
    assert "to go" not in text
    assert progress({}) == (0.0, "0 B sent, 0 B left")


def test_progress_tells_that_a_guest_is_slowed_down() -> None:
    assert "it is slowed down by 30 %" in progress({"auto_converge_throttle": 30})[1]


def _passes(options: MigrationOptions, *passes: int) -> list[bool]:
    course = Course(options)
    found = []
    for number in passes:
        course.see({"memory_iteration": number})
        found.append(course.may_switch)
    return found


def test_post_copy_begins_after_one_pass_and_only_if_it_is_asked_for() -> None:
    assert _passes(MigrationOptions(mode=MigrationMode.POST_COPY), 1, 1, 2, 3) == [False, False, True, True]
    assert _passes(MigrationOptions(), 1, 2, 3) == [False] * 3
    begun = Course(MigrationOptions(mode=MigrationMode.POST_COPY))
    begun.switched = True
    begun.see({"memory_iteration": 2})
    assert not begun.may_switch


def test_what_was_seen_on_the_way_is_told_at_the_end() -> None:
    course = Course(MigrationOptions())
    course.see({"auto_converge_throttle": 40, "data_processed": 7, "memory_dirty_rate": 3, "memory_page_size": 4096})
    facts = course.facts({"downtime": 250, "data_processed": 9, "memory_dirty_rate": 0, "memory_page_size": 4096})
    assert (facts.mode, facts.throttle, facts.dirty_rate) == (MigrationMode.AUTO_CONVERGE, 40, 3 * 4096)
    assert (facts.downtime, facts.bytes_sent) == (0.25, 9)


def test_a_guest_that_was_not_slowed_down_moved_plainly() -> None:
    assert Course(MigrationOptions(mode=MigrationMode.AUTO_CONVERGE)).facts({}).mode is MigrationMode.PLAIN


def test_what_was_switched_stood_still_as_long_as_was_seen() -> None:
    course = Course(MigrationOptions(mode=MigrationMode.POST_COPY))
    course.switched, course.stood = True, 0.5
    facts = course.facts({})
    assert (facts.mode, facts.downtime) == (MigrationMode.POST_COPY, 0.5)


def test_post_copy_begins_at_once_when_the_guest_stands_still_already() -> None:
    course = Course(MigrationOptions(mode=MigrationMode.POST_COPY))
    course.stands = True
    assert not course.may_switch
    course.see({"memory_iteration": 1})
    assert course.may_switch


def _order(options: MigrationOptions, *, emulated: bool = False, live: bool = True, copies: bool = False) -> Order:
    return Order(options=options, definition="", door=Path("door"), memory=1, emulated=emulated, live=live,
                 copies=copies)  # fmt: skip


_POST_COPY = MigrationOptions(mode=MigrationMode.POST_COPY, bandwidth=9)


@pytest.mark.parametrize(("order", "expected"), [
    (_order(MigrationOptions(mode=MigrationMode.PLAIN)), {}),
    (_order(MigrationOptions(mode=MigrationMode.PLAIN, bandwidth=9)), {"bandwidth": 9}),
    (_order(MigrationOptions(mode=MigrationMode.PLAIN, bandwidth=9), copies=True), {}),
    (_order(_POST_COPY), {"bandwidth": 9, "bandwidth.postcopy": 9}),
    (_order(_POST_COPY, emulated=True), {"bandwidth": 1, "bandwidth.postcopy": 9}),
    (_order(_POST_COPY, emulated=True, live=False), {"bandwidth": 9}),
    (_order(MigrationOptions()), {"auto_converge.initial": 10, "auto_converge.increment": 10}),
    (_order(MigrationOptions(), live=False), {}),
])  # fmt: skip
def test_options_become_libvirts_parameters(order: Order, expected: dict[str, object]) -> None:
    assert parameters(order) == expected


_CHAIN = """<domain><devices><disk><source file="/v/a.qcow2"/><backingStore><source file="{}"/><backingStore/>
</backingStore></disk><disk><driver/></disk><disk><source file="/v/b.qcow2"/></disk></devices></domain>"""


@pytest.mark.parametrize(("below", "renamed"), [("/v/a.qcow2", True), ("/v/b.qcow2", False), ("/l/a.qcow2", False)])
def test_a_disk_above_its_own_name_was_renamed_while_the_guest_ran(below: str, renamed: bool) -> None:
    assert is_renamed(_CHAIN.format(below)) is renamed
