#!/usr/bin/env bash
# Runs one playbook on this machine.
#
# PLAYBOOK           its path
# CHECK_IDEMPOTENCE  true: runs it a second time and fails if that changes anything (default false)
set -o errexit -o nounset -o pipefail

: "${PLAYBOOK:?}"
readonly check_idempotence="${CHECK_IDEMPOTENCE:-false}"
readonly variables=/var/lib/packleader-bake/variables.json

if [[ ! -f "${PLAYBOOK}" ]]; then
  echo "There is no playbook ${PLAYBOOK}." >&2
  exit 1
fi

export ANSIBLE_CONFIG=/opt/packleader/ansible/ansible.cfg
# Ansible refuses to start without a UTF-8 locale, and an SSH session may have none.
export LC_ALL=C.UTF-8

run() {
  ansible-playbook --connection local --inventory localhost, --extra-vars "@${variables}" "${PLAYBOOK}"
}

run

if [[ "${check_idempotence}" == true ]]; then
  echo 'Once more: nothing may change now.'
  log="$(mktemp)"
  trap 'rm --force "${log}"' EXIT
  run | tee "${log}"
  if ! grep --quiet --extended-regexp '^localhost +: ok=[1-9][0-9]* +changed=0 ' "${log}"; then
    echo "FAILED: a second run of ${PLAYBOOK} changed something: see the tasks marked 'changed' above." >&2
    exit 1
  fi
fi
