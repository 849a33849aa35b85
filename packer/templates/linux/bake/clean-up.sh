#!/usr/bin/env bash
# Removes what must not be the same on two instances, and what the bake left behind.
#
# Packer's connection stays open: sshd has read its keys already, and a session of the SSM Agent has its files behind it once
# it is up. A connection that breaks after this cannot be made again, and the bake fails, which is right; so no later step may
# reboot, or restart sshd or the agent.
set -o errexit -o nounset -o pipefail

# Who may log in: cloud-init writes the key of each instance. Keys that belong to the image are in
# /etc/ssh/authorized_keys.d.
find /root /home -maxdepth 3 -path '*/.ssh/*' -type f -name 'authorized_keys*' -delete
find /root /home -maxdepth 2 -type f \( -name '.bash_history' -o -name '.python_history' -o -name '.lesshst' \) -delete
rm --recursive --force /root/.ansible /home/*/.ansible

# Who the machine is
rm --force /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if [[ -d /run/systemd/system || -e /etc/machine-id ]]; then
  : >/etc/machine-id
fi
rm --force /var/lib/dbus/machine-id /var/lib/systemd/random-seed
if [[ -d /var/lib/dbus ]]; then
  ln --symbolic /etc/machine-id /var/lib/dbus/machine-id
fi
rm --recursive --force /var/lib/amazon/ssm/* /var/log/amazon/ssm/*
if command -v cloud-init >/dev/null; then
  cloud-init clean --logs --seed
fi

# What the bake left
rm --recursive --force /var/lib/packleader-bake
find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'script_*' ! -name 'systemd-private-*' -exec rm --recursive --force {} +
if command -v dnf >/dev/null; then
  dnf --quiet clean all
  rm --recursive --force /var/cache/dnf
fi
if command -v apt-get >/dev/null; then
  apt-get clean
  rm --recursive --force /var/lib/apt/lists/*
fi

# Logs: those of the bake say nothing about an instance. Files that are open are emptied, not removed.
if [[ -d /run/systemd/system ]]; then
  journalctl --rotate --quiet
fi
rm --recursive --force /var/log/journal/*/
find /var/log -type f \( -name '*.gz' -o -name '*.xz' -o -regex '.*\.[0-9]+' -o -regex '.*-[0-9]+' \) -delete
find /var/log -type f -exec truncate --size 0 {} +

# Freed blocks are zeroes in a snapshot only when they are discarded.
if [[ -d /run/systemd/system ]]; then
  fstrim --all || echo 'The volume cannot be trimmed; the snapshot will be larger than needed.'
fi
sync
