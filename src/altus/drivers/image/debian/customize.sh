#!/bin/sh
# mmdebstrap's customize hook: told the new system's root folder. Makes it boot anywhere, know nobody, and be set up by
# cloud-init from the seed.
set -eu
root=$1

echo debian > "$root/etc/hostname"
echo 'LABEL=root / ext4 defaults,discard,x-systemd.growfs 0 1' > "$root/etc/fstab"

# the drivers of every disk a VM may have; guessing would choose those of the machine that builds
cat >> "$root/etc/initramfs-tools/modules" << 'END'
virtio_pci
virtio_blk
virtio_scsi
ahci
ata_piix
nvme
sd_mod
ext4
END
sed -i 's/^MODULES=.*/MODULES=list/; s/^COMPRESS=.*/COMPRESS=lz4/' "$root/etc/initramfs-tools/initramfs.conf"
chroot "$root" update-initramfs -u

mkdir -p "$root/etc/cloud/cloud.cfg.d"
cat > "$root/etc/cloud/cloud.cfg.d/90_altus.cfg" << 'END'
# the seed is a volume; looking for data sources on the network would only cost time
datasource_list: [NoCloud, ConfigDrive, None]
# the sources in the image are those that it was made from
apt:
  preserve_sources_list: true
# no other is in the image
locale: C.UTF-8
# RSA keys take seconds to make, and nothing of today needs them
ssh_genkeytypes: [ed25519, ecdsa]
END

# without a seed, too: network by DHCP, host keys, and the rest of what a first boot makes
echo 'policy: enabled' > "$root/etc/cloud/ds-identify.cfg"

chroot "$root" systemctl enable serial-getty@ttyS0.service ssh.service qemu-guest-agent.service
chroot "$root" passwd --quiet --lock root

# what must differ from VM to VM is made at the first boot
rm -f "$root"/etc/ssh/ssh_host_*
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
rm -f "$root"/var/lib/apt/lists/*_* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log "$root"/var/log/apt/*
