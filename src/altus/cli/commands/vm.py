"""Virtual machines: made, looked at, changed, removed. Their power is in vm_power.py, consoles in vm_console.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from altus.cli import completion, options
from altus.cli.call import Call
from altus.cli.command import change, group, query
from altus.cli.commands import vm_console, vm_disk, vm_nic, vm_power
from altus.cli.commands.placement import Apart, ForbidTags, Prefer, RequireTags, Together, rules
from altus.cli.commands.vm_disk import DiskLimit
from altus.cli.commands.vm_history import show_history
from altus.cli.commands.vm_layout import VM
from altus.cli.commands.vm_nic import SecurityGroups, nic_words
from altus.cli.finish import confirm, finish
from altus.cli.listing import list_things
from altus.common.errors import InvalidInput
from altus.model.label import Label
from altus.model.vm import BootDevice, Firmware

app = group("Virtual machines.")
Vcpus = Annotated[int | None, typer.Option("--vcpus", metavar="NUMBER", help="How many vCPUs.", min=1)]
Memory = Annotated[int | None, typer.Option("--memory", parser=options.SIZE, metavar="SIZE", help="Such as 2G.")]
CpuModel = Annotated[
    str | None,
    typer.Option("--cpu", metavar="MODEL", help="Its CPU, such as Haswell; `auto` for the most that its pool gives."),
]
Networks = Annotated[
    list[str],
    typer.Option(
        "--network",
        metavar="NETWORK[=ADDRESS]",
        help="A NIC on this network, with this address or a free one; repeatable.",
        autocompletion=completion.of("networks"),
    ),
]
Boot = Annotated[
    list[BootDevice],
    typer.Option("--boot", metavar="disk|cdrom|network", help="What to boot from, in order; repeatable."),
]
Tags = Annotated[list[str], typer.Option("--tag", metavar="TAG", help="A word to find it by; repeatable.")]


@query(app, "list")
async def list_vms(
    call: Call,
    filters: options.Filters = options.NONE,
    sort: options.Sort = "name",
    limit: options.Limit = 100,
    everything: options.All = False,
) -> None:
    """List VMs, such as `-f state:running`."""
    await list_things(call, call.altus.vms, VM, filters, sort, limit, everything)


@change(app, "adopt")
async def adopt(
    call: Call,
    host: options.Host,
    domain: Annotated[str, typer.Argument(metavar="UUID", help="The domain's UUID or name.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What it is called then.")] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="NETWORK", help="Where its NICs are then.", autocompletion=completion.of("networks")
        ),
    ] = None,
    project: Annotated[str | None, typer.Option("--project", metavar="PROJECT", help="Its project.")] = None,
) -> None:
    """Let a domain that others made on a host become a VM. It must be off and its disks be volumes of a repository;
    `altus host unmanaged` tells what hinders it."""
    from altus.sdk.shapes import make
    from altus.wire.vms import VmAdopt

    body = make(VmAdopt, domain=domain, name=name, network=network, project=project)
    await finish(call, call.altus.vms.adopt(host, body), call.altus.vms.get, VM)


@change(app, "repair")
async def repair(call: Call, vm: options.Vm) -> None:
    """Have a VM's host know it as Altus does: its ports and its definition, which a running guest gets at its next
    start. `--plan` tells how it differs. No disk is made."""
    await finish(call, call.altus.vms.repair(vm), call.altus.vms.get, VM)


@query(app, "show")
async def show(call: Call, vm: options.Vm) -> None:
    """Show a VM."""
    await call.show(await call.altus.vms.get(vm), VM)


@change(app, "create")
async def create(
    call: Call,
    name: options.NewName,
    image: options.FromImage = None,
    vcpus: Vcpus = None,
    memory: Memory = None,
    cpu: CpuModel = None,
    disk_size: Annotated[
        int | None,
        typer.Option(
            parser=options.SIZE, metavar="SIZE", help="Size of the first disk; as large as its image if left out."
        ),
    ] = None,
    disks: Annotated[
        list[int], typer.Option("--disk", parser=options.SIZE, metavar="SIZE", help="One more, empty disk; repeatable.")
    ] = options.NONE,
    disk_limits: DiskLimit = options.NONE,
    networks: Networks = options.NONE,
    security_groups: SecurityGroups = options.NONE,
    storage: options.OnStorage = None,
    project: options.InProject = None,
    label: options.WithLabel = Label.OPEN,
    full: options.FullCopy = False,
    cdrom: Annotated[
        str | None, typer.Option(metavar="IMAGE", help="An ISO image.", autocompletion=completion.of("images"))
    ] = None,
    firmware: Annotated[Firmware | None, typer.Option(help="How it boots.")] = None,
    boot: Boot = options.NONE,
    description: Annotated[str, typer.Option(metavar="TEXT", help="For people.")] = "",
    tags: Tags = options.NONE,
    ssh_keys: Annotated[
        list[Path], typer.Option("--ssh-key", metavar="FILE", help="A file with a public key; repeatable.")
    ] = options.NONE,
    user_data: Annotated[Path | None, typer.Option(metavar="FILE", help="A file with cloud-init user data.")] = None,
    guest_password: Annotated[
        bool, typer.Option("--guest-password-stdin", help="Read the password of the guest's user from standard input.")
    ] = False,
    require: RequireTags = options.NONE,
    forbid: ForbidTags = options.NONE,
    together: Together = options.NONE,
    apart: Apart = options.NONE,
    prefer: Prefer = False,
    protected: Annotated[bool, typer.Option("--protected", help="Refuse to delete it.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Start it when it is there.")] = False,
) -> None:
    """Create a VM, such as `altus vm create web1 --image debian-12 --network lan --start`."""
    from altus.sdk.shapes import make
    from altus.wire.vms import CloudInitCreate, DiskCreate, NicCreate, VmCreate

    seed = make(CloudInitCreate, ssh_keys=[_text(path).strip() for path in ssh_keys],
                user_data=_text(user_data) if user_data else "",
                password=sys.stdin.readline().rstrip("\r\n") if guest_password else "")  # fmt: skip
    (first, slow), grouped = vm_disk.given(disk_limits), _given(security_groups=security_groups or None)
    given = _given(vcpus=vcpus, memory=memory, cpu_model=cpu, firmware=firmware, boot=boot or None, disk_size=disk_size)
    body = make(VmCreate, name=name, image=image, storage=storage, project=project, label=label, linked=not full,
                cdrom=cdrom, description=description, tags=tags, protected=protected, start=start, cloud_init=seed,
                placement=rules(require, forbid, together, apart, prefer=prefer), **given, **first,
                disks=[make(DiskCreate, size=size, **slow) for size in disks],
                nics=[make(NicCreate, **nic_words(text), **grouped) for text in networks])  # fmt: skip
    await finish(call, call.altus.vms.create(body), call.altus.vms.get, VM)


@change(app, "edit")
async def edit(
    call: Call,
    vm: options.Vm,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="A new name.")] = None,
    description: Annotated[str | None, typer.Option(metavar="TEXT", help="For people.")] = None,
    tags: Tags = options.NONE,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
    protect: Annotated[bool | None, typer.Option("--protect/--unprotect", help="Refuse to delete it, or not.")] = None,
    vcpus: Vcpus = None,
    memory: Memory = None,
    cpu: CpuModel = None,
    firmware: Annotated[Firmware | None, typer.Option(help="How it boots.")] = None,
    boot: Boot = options.NONE,
    attach: Annotated[
        list[str],
        typer.Option(
            "--attach",
            metavar="VOLUME",
            help="A volume to attach; repeatable.",
            autocompletion=completion.of("volumes"),
        ),
    ] = options.NONE,
    detach: Annotated[
        list[str],
        typer.Option(
            "--detach",
            metavar="VOLUME",
            help="A volume to detach; repeatable.",
            autocompletion=completion.of("volumes"),
        ),
    ] = options.NONE,
    add_network: Annotated[
        list[str],
        typer.Option(
            "--add-network",
            metavar="NETWORK[=ADDRESS]",
            help="One more NIC; repeatable.",
            autocompletion=completion.of("networks"),
        ),
    ] = options.NONE,
    remove_nic: Annotated[
        list[str], typer.Option("--remove-nic", metavar="NIC", help="The id of a NIC; repeatable.")
    ] = options.NONE,
) -> None:
    """Change a VM. Disks and NICs of a running guest come and go at once; what it cannot take up applies at its next
    start. `--plan` tells."""
    from altus.sdk.shapes import make
    from altus.wire.vms import NicCreate, VmEdit

    nics = [make(NicCreate, **nic_words(text)) for text in add_network]
    given = _given(name=name, description=description, tags=[] if no_tags else tags or None, protected=protect,
                   vcpus=vcpus, memory=memory, cpu_model=cpu, firmware=firmware, boot=boot or None,
                   attach_volumes=attach or None,
                   detach_volumes=detach or None, add_nics=nics or None, remove_nics=remove_nic or None)  # fmt: skip
    if not given:
        raise InvalidInput("Nothing to change was given.", code="client.usage", hint="See `altus vm edit --help`.")
    await finish(call, call.altus.vms.edit(vm, make(VmEdit, **given)), call.altus.vms.get, VM)


@change(app, "clone")
async def clone(
    call: Call,
    vm: options.Vm,
    name: options.NewName,
    linked: Annotated[bool, typer.Option("--linked", help="Share data with it until either writes.")] = False,
    start: Annotated[bool, typer.Option("--start", help="Start the copy.")] = False,
) -> None:
    """Copy a stopped VM under a new name."""
    from altus.sdk.shapes import make
    from altus.wire.vms import VmClone

    body = make(VmClone, name=name, linked=linked, start=start)
    await finish(call, call.altus.vms.clone(vm, body), call.altus.vms.get, VM)


@change(app, "delete", asks=True)
async def delete(
    call: Call,
    vm: options.Vm,
    keep_volumes: Annotated[bool, typer.Option("--keep-volumes", help="Keep its disks.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Cut its power first if it runs.")] = False,
) -> None:
    """Delete a VM, with its disks unless they are to be kept."""
    confirm(call, f"Delete VM {vm}{'' if keep_volumes else ' and its disks'}?")
    await finish(call, call.altus.vms.delete(vm, keep_volumes=keep_volumes, force=force))


@query(app, "events")
async def events(call: Call, vm: options.Vm) -> None:
    """Show what happened to a VM, newest first: its states, where it was, and what was done with it."""
    await show_history(call, vm)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read.", code="client.file") from error


app.add_typer(vm_nic.app, name="nic")
app.add_typer(vm_disk.app, name="disk")
vm_power.add_to(app)
vm_console.add_to(app)
