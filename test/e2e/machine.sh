#!/usr/bin/env bash
# Answers one builder's address: a machine-like root with its own sshd, in namespaces of its own (network, mounts, processes,
# host name). Nothing of it outlives this script. Runs inside `ip netns exec <name> unshare --mount --pid --fork --uts
# --kill-child`.
#
#     machine.sh <root> <directory> <login> [<command> ...]      instead of sshd, as root
#
# In <directory>: authorized_keys, and sudo when the machine is only to play its part; upper/ receives what the machine changes.
set -o errexit -o nounset -o pipefail

readonly lower="$1" directory="$2" login="$3"
shift 3
readonly root="${directory}/root"

mkdir --parents "${directory}/upper" "${directory}/work" "${root}"
# Whatever is mounted here is seen by nobody else.
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=${lower},upperdir=${directory}/upper,workdir=${directory}/work" "${root}"

hostname builder
mount -t proc proc "${root}/proc"
mount -t sysfs -o ro sysfs "${root}/sys"
mount -t tmpfs -o mode=755 tmpfs "${root}/dev"
for device in null zero full random urandom tty; do
  touch "${root}/dev/${device}"
  mount --bind "/dev/${device}" "${root}/dev/${device}"
done
mkdir "${root}/dev/pts" "${root}/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "${root}/dev/pts"
ln --symbolic pts/ptmx "${root}/dev/ptmx"
ln --symbolic /proc/self/fd "${root}/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "${root}/run"
mount -t tmpfs -o mode=1777 tmpfs "${root}/tmp"
mkdir "${root}/run/sshd"

echo builder >"${root}/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 builder\n' >"${root}/etc/hosts"
if ! chroot "${root}" id "${login}" >/dev/null 2>&1; then
  chroot "${root}" useradd --create-home --shell /bin/bash "${login}"
  # No password, and yet not locked: sshd refuses a locked account even with a key.
  chroot "${root}" usermod --password '*' "${login}"
  echo "${login} ALL=(ALL) NOPASSWD: ALL" >"${root}/etc/sudoers.d/90-cloud-init-users"
  chmod 0440 "${root}/etc/sudoers.d/90-cloud-init-users"
fi
install --directory --mode 0700 "${root}/home/${login}/.ssh"
install --mode 0600 "${directory}/authorized_keys" "${root}/home/${login}/.ssh/authorized_keys"
chroot "${root}" chown --recursive "${login}:${login}" "/home/${login}/.ssh"
if [[ -e "${directory}/sudo" ]]; then
  install --mode 0755 "${directory}/sudo" "${root}/usr/local/bin/sudo"
fi
chroot "${root}" ssh-keygen -A >/dev/null

if (($# > 0)); then
  exec chroot "${root}" "$@"
fi
exec chroot "${root}" /usr/sbin/sshd -D -e -o UsePAM=no -o PidFile=none
