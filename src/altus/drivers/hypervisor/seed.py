"""The cloud-init seed: a NoCloud ISO (https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html)."""

from __future__ import annotations

import io
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pycdlib
import yaml

from altus.common.errors import InvalidInput
from altus.model.vm import CloudInit

_HEADER = "#cloud-config\n"
_MINIMUM_SIZE = 512 * 1024  # as other makers of ISO images pad: guests that look for file systems read beyond 64 KiB


def seed_iso(vm_id: str, name: str, cloud_init: CloudInit) -> bytes:
    """The ISO image: meta-data and user-data under the label `cidata`. Addresses come from DHCP."""
    meta_data = _yaml({"instance-id": vm_id, "local-hostname": name})
    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident="cidata")
    for file, text in (("meta-data", meta_data), ("user-data", user_data(cloud_init))):
        data = text.encode()
        plain = f"/{file.replace('-', '').upper()}.;1"
        iso.add_fp(io.BytesIO(data), len(data), plain, rr_name=file, joliet_path=f"/{file}")
    out = io.BytesIO()
    iso.write_fp(out)
    iso.close()
    return out.getvalue().ljust(_MINIMUM_SIZE, b"\0")


def user_data(cloud_init: CloudInit) -> str:
    """What the guest's cloud-init reads: the user's own text with keys and password merged in. Text that is not
    cloud-config (a script, say) becomes one part of two. `InvalidInput` (`cloud_init.invalid`) if it cannot be read."""
    ours = _access(cloud_init)
    theirs = cloud_init.user_data
    if not theirs.strip():
        return _HEADER + _yaml(ours)
    if not ours:
        return theirs
    if theirs.startswith(_HEADER.strip()):
        return _HEADER + _yaml(_merge(_parse(theirs), ours))
    return _multipart(_HEADER + _yaml(ours), theirs)


def _access(cloud_init: CloudInit) -> dict[str, Any]:
    """Keys and password in cloud-config's words, for the image's default user."""
    wanted: dict[str, Any] = {}
    if cloud_init.ssh_keys:
        wanted["ssh_authorized_keys"] = list(cloud_init.ssh_keys)
    if cloud_init.password:
        wanted |= {"password": cloud_init.password, "chpasswd": {"expire": False}, "ssh_pwauth": True}
    return wanted


def _parse(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"The cloud-config is not YAML: {error}.", code="cloud_init.invalid") from error
    if not isinstance(found, dict | None):
        raise InvalidInput("The cloud-config is not a mapping.", code="cloud_init.invalid",
                           hint="It has lines like `packages: [vim]` below #cloud-config.")  # fmt: skip
    return found or {}


def _merge(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Keys are added to theirs; otherwise what they wrote themselves counts."""
    keys = [*(theirs.get("ssh_authorized_keys") or []), *ours.get("ssh_authorized_keys", [])]
    return ours | theirs | ({"ssh_authorized_keys": keys} if keys else {})


def _multipart(config: str, theirs: str) -> str:
    parts = MIMEMultipart()
    parts.attach(MIMEText(config, "cloud-config", "utf-8" if not config.isascii() else "us-ascii"))
    # cloud-init itself finds out by the first line what text/plain is
    parts.attach(MIMEText(theirs, "plain", "utf-8" if not theirs.isascii() else "us-ascii"))
    return parts.as_string()


def _yaml(data: dict[str, Any]) -> str:
    # one line per value, since simple guests read it line by line
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1_000_000) if data else ""
