"""What of a migration by libvirt can be looked at without one."""

from __future__ import annotations

from altus.drivers.hypervisor.libvirt.migration import progress, relocated

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
