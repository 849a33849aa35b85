#!/usr/bin/env bash
# Runs when the bake has failed, on a builder that is to be kept: says when it ends, in place of what wait-for-boot.sh said.
#
# KEEP_MINUTES  after this long the builder shuts down; the bake sees to it that it is then gone
set -o errexit -o nounset -o pipefail

: "${KEEP_MINUTES:?}"

if [[ ! -d /run/systemd/system ]]; then
  echo 'systemd does not run here: the builder cannot end itself, and is not kept.'
  exit 0
fi
# The last appointment is the one that counts.
shutdown -P "+${KEEP_MINUTES}" 'This builder was kept for somebody to look at, and its time is over.'
# The bake reads this line: without it the builder is removed.
echo "packleader: this builder ends itself in ${KEEP_MINUTES} minutes."
