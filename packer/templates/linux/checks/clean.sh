# shellcheck shell=bash
# What must not be in an image.

check_no_ssh_host_keys() {
  test -z "$(find /etc/ssh -name 'ssh_host_*_key*' -print -quit)"
}

check_no_authorized_keys_of_the_builder() {
  local left
  left="$(find /root /home -maxdepth 3 -path '*/.ssh/*' -name 'authorized_keys*')"
  echo "${left}"
  test -z "${left}"
}

check_no_private_keys() {
  local left
  left="$(find /root /home /etc/packleader /opt/packleader -type f \( -name 'id_*' -o -name '*.pem' -o -name '*.key' \))"
  echo "${left}"
  test -z "${left}"
}

check_no_aws_credentials() {
  local left
  left="$(find /root /home -maxdepth 3 -path '*/.aws/*' -type f)"
  echo "${left}"
  test -z "${left}"
}

check_no_password_is_set() {
  local left
  left="$(awk -F: '$2 ~ /^\$/ { print $1 }' /etc/shadow)"
  echo "${left}"
  test -z "${left}"
}

check_machine_id_is_empty() {
  test ! -s /etc/machine-id || grep --quiet '^uninitialized$' /etc/machine-id
}

check_no_cloud_init_state() {
  test ! -e /var/lib/cloud/instance
  test ! -e /var/lib/cloud/instances
}

check_no_shell_history() {
  test -z "$(find /root /home -maxdepth 2 -name '.*_history' -print -quit)"
}

check_no_bake_variables() {
  test ! -e /var/lib/packleader-bake
}

check_no_rotated_logs() {
  local left
  left="$(find /var/log -type f \( -name '*.gz' -o -name '*.xz' -o -regex '.*\.[0-9]+' \))"
  echo "${left}"
  test -z "${left}"
}

check_no_package_cache() {
  test -z "$(find /var/cache/apt/archives /var/cache/dnf -name '*.deb' -o -name '*.rpm' 2>/dev/null | head -n 1)"
}
