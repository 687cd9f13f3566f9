"""The cloud-init seed says what it was asked to, in the form guests read."""

from __future__ import annotations

import email
import io

import pycdlib
import pytest
import yaml

from altus.common.errors import InvalidInput
from altus.drivers.hypervisor.seed import seed_iso, user_data
from altus.model.vm import CloudInit

_KEY = "ssh-ed25519 AAAA" + "x" * 200 + " me@here"


def _read(iso: bytes, name: str) -> str:
    image = pycdlib.PyCdlib()
    image.open_fp(io.BytesIO(iso))
    out = io.BytesIO()
    image.get_file_from_iso_fp(out, rr_path=f"/{name}")
    image.close()
    return out.getvalue().decode()


def test_iso_has_the_label_and_files_of_nocloud() -> None:
    iso = seed_iso("0192", "web1", CloudInit(ssh_keys=(_KEY,)))
    assert iso[0x8028:0x8048].decode().strip() == "cidata"
    assert yaml.safe_load(_read(iso, "meta-data")) == {"instance-id": "0192", "local-hostname": "web1"}
    assert yaml.safe_load(_read(iso, "user-data")) == {"ssh_authorized_keys": [_KEY]}


def test_iso_is_long_enough_for_guests_that_look_for_other_file_systems() -> None:
    assert len(seed_iso("0192", "web1", CloudInit())) >= 512 * 1024


def test_keys_and_password_become_cloud_config_with_one_line_a_value() -> None:
    text = user_data(CloudInit(ssh_keys=(_KEY,), password="geheim: 'x'"))
    assert text.startswith("#cloud-config\n")
    assert f"- {_KEY}\n" in text
    found = yaml.safe_load(text)
    assert found["password"] == "geheim: 'x'"
    assert found["chpasswd"] == {"expire": False}
    assert found["ssh_pwauth"] is True


def test_own_text_without_keys_is_left_as_it_is() -> None:
    text = "#!/bin/sh\necho  'as is'\n"
    assert user_data(CloudInit(user_data=text)) == text


def test_keys_are_added_to_own_cloud_config_which_wins_otherwise() -> None:
    theirs = "#cloud-config\npackages: [vim]\nssh_authorized_keys: [first]\nssh_pwauth: false\n"
    found = yaml.safe_load(user_data(CloudInit(user_data=theirs, ssh_keys=("second",), password="x")))
    assert found["packages"] == ["vim"]
    assert found["ssh_authorized_keys"] == ["first", "second"]
    assert found["ssh_pwauth"] is False
    assert found["password"] == "x"


def test_keys_with_an_own_script_make_two_parts() -> None:
    script = "#!/bin/sh\necho grüße\n"
    parts = email.message_from_string(user_data(CloudInit(user_data=script, ssh_keys=("key",)))).get_payload()
    assert isinstance(parts, list)
    config, own = (part.get_payload(decode=True).decode() for part in parts)  # type: ignore[union-attr]
    assert yaml.safe_load(config) == {"ssh_authorized_keys": ["key"]}
    assert own == script


@pytest.mark.parametrize("text", ["#cloud-config\n[", "#cloud-config\n- a list\n"])
def test_unreadable_cloud_config_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        user_data(CloudInit(user_data=text, ssh_keys=("key",)))
    assert refused.value.code == "cloud_init.invalid"


def test_password_is_not_shown_by_repr() -> None:
    assert "geheim" not in repr(CloudInit(password="geheim"))
