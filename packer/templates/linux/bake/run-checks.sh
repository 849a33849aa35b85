#!/usr/bin/env bash
# Runs every check of /tmp/packleader-checks: each function there whose name begins with `check_`. All of them run, then
# the script fails if one of them did, or if there were none.
#
# ARCHITECTURE  what the image is meant to be
# IMAGE         the name that it is baked under
set -o errexit -o nounset -o pipefail

: "${ARCHITECTURE:?}" "${IMAGE:?}"
export ARCHITECTURE IMAGE
export directory=/tmp/packleader-checks
trap 'rm --recursive --force "${directory}"' EXIT

shopt -s nullglob
ran=0
failed=0
for file in "${directory}"/*.sh; do
  found=0
  # A check runs in a shell of its own, in which the first command that fails ends it.
  while read -r check; do
    found=$((found + 1))
    ran=$((ran + 1))
    # shellcheck disable=SC2016 # expanded by the inner shell
    if output="$(bash -o errexit -o nounset -o pipefail -c 'source "$1"; "$2"' check "${file}" "${check}" 2>&1)"; then
      echo "ok      ${check}"
    else
      failed=$((failed + 1))
      echo "FAILED  ${check}"
      # shellcheck disable=SC2001 # every line of several
      sed 's/^/        /' <<<"${output}"
    fi
  done < <(sed --quiet --regexp-extended 's/^(check_[a-z0-9_]+)\(\) \{$/\1/p' "${file}")
  if ((found == 0)); then
    failed=$((failed + 1))
    echo "FAILED  $(basename "${file}") holds no check" >&2
  fi
done

echo "${ran} checks, ${failed} failed"
if ((ran == 0)); then
  echo "No check ran: ${directory} holds none." >&2
  exit 1
fi
((failed == 0))
