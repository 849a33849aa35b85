#!/usr/bin/env bash
# Installs Ansible from the distribution's own packages and puts the uploaded playbooks where the image keeps them.
#
# In  /tmp/packleader/  ansible/ schemas/ playbooks/ image.json variables.json
# Out /opt/packleader/  ansible/ schemas/ playbooks/
#     /etc/packleader/image.json
#     /var/lib/packleader-bake/variables.json   (the clean-up removes it)
set -o errexit -o nounset -o pipefail

readonly uploaded=/tmp/packleader
for name in ansible schemas playbooks image.json variables.json; do
  if [[ ! -e "${uploaded}/${name}" ]]; then
    echo "${uploaded}/${name} was not uploaded." >&2
    exit 1
  fi
done

# python3-jsonschema checks the instance's metadata at boot.
if command -v dnf >/dev/null; then
  dnf --assumeyes --quiet install ansible-core python3-jsonschema tar xz
elif command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get --quiet --quiet --option DPkg::Lock::Timeout=300 update
  apt-get --quiet --yes --option DPkg::Lock::Timeout=300 install --no-install-recommends \
    ansible-core python3-apt python3-jsonschema ca-certificates xz-utils
else
  echo 'Neither dnf nor apt-get was found: this is not Amazon Linux 2023, Debian or Ubuntu.' >&2
  exit 1
fi

# What a base image left is replaced as a whole: a file that no longer exists must not survive in the image.
rm --recursive --force /opt/packleader
install --directory --mode 0755 /opt/packleader /etc/packleader
install --directory --mode 0700 /var/lib/packleader-bake
cp --recursive "${uploaded}/ansible" "${uploaded}/schemas" "${uploaded}/playbooks" /opt/packleader/
chown --recursive root:root /opt/packleader
chmod --recursive u=rwX,go=rX /opt/packleader
install --mode 0644 "${uploaded}/image.json" /etc/packleader/image.json
install --mode 0600 "${uploaded}/variables.json" /var/lib/packleader-bake/variables.json
rm --recursive --force "${uploaded}"

ansible-playbook --version | head -n 1
