# shellcheck shell=bash
# What every Linux image must have.

check_architecture() {
  local machine
  machine="$(uname --machine)"
  echo "This is ${machine}, the image is meant to be ${ARCHITECTURE}."
  case "${ARCHITECTURE}" in
    arm64) test "${machine}" = aarch64 ;;
    *) test "${machine}" = "${ARCHITECTURE}" ;;
  esac
}

check_image_says_what_it_is() {
  python3 - <<'PYTHON'
import json
import os

with open("/etc/packleader/image.json", encoding="utf-8") as file:
    image = json.load(file)
missing = {"image", "version", "commit", "release", "sourceAmi"} - {key for key, value in image.items() if value}
assert not missing, f"/etc/packleader/image.json lacks {sorted(missing)}"
# What the image was built on has left a file that names another image.
assert image["image"] == os.environ["IMAGE"], f"/etc/packleader/image.json names {image['image']}"
PYTHON
}

check_package_manifest() {
  cd /etc/packleader || return
  sha256sum --check --status package-manifest.tsv.sha256
  LC_ALL=C sort --check package-manifest.tsv
}

check_no_package_is_half_installed() {
  if command -v dpkg >/dev/null; then
    test -z "$(dpkg --audit)"
  else
    rpm --query --all >/dev/null
  fi
}

check_users_may_not_log_in_with_a_password() {
  # sshd asks for host keys, and the clean-up has removed them.
  local key settings
  key="$(mktemp --dry-run)"
  ssh-keygen -q -t ed25519 -N '' -f "${key}"
  install --directory --mode 0755 /run/sshd
  settings="$(/usr/sbin/sshd -T -h "${key}")"
  rm --force "${key}" "${key}.pub"
  grep --quiet '^passwordauthentication no$' <<<"${settings}"
  grep --quiet '^permitrootlogin no$' <<<"${settings}"
  grep --quiet '^authorizedkeysfile .*/etc/ssh/authorized_keys.d/%u' <<<"${settings}"
}

check_sudoers_is_valid() {
  visudo --check
}

check_kernel_parameters_are_set() {
  grep --quiet '^kernel.kptr_restrict = 2$' /etc/sysctl.d/90-packleader.conf
}

check_audit_starts_at_boot() {
  systemctl is-enabled --quiet auditd
}

check_journal_is_kept_within_limits() {
  grep --quiet '^Storage=persistent$' /etc/systemd/journald.conf.d/10-packleader.conf
  grep --quiet '^SystemMaxUse=' /etc/systemd/journald.conf.d/10-packleader.conf
}

check_instance_provisions_itself() {
  systemctl is-enabled --quiet packleader-provision.service
  python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' /opt/packleader/bin/provision
  python3 -c 'import json, sys, jsonschema; jsonschema.Draft7Validator.check_schema(json.load(open(sys.argv[1])))' \
    /opt/packleader/schemas/instance-metadata.schema.json
  ANSIBLE_CONFIG=/opt/packleader/ansible/ansible.cfg LC_ALL=C.UTF-8 HOME="$(mktemp --directory)" \
    ansible-playbook --syntax-check --inventory localhost, /opt/packleader/playbooks/provision.yml
}

check_only_known_ports_are_served() {
  # sshd, the time service and what an image adds in its own checks.
  test ! -e /etc/systemd/system/multi-user.target.wants/rpcbind.service
  test ! -e /etc/systemd/system/multi-user.target.wants/telnet.socket
}
