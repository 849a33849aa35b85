#!/usr/bin/env bash
# Waits until the machine has finished booting, and makes sure that it does not live for ever.
#
# LIFETIME_MINUTES  after this long the builder shuts down; its shutdown behaviour is to terminate
set -o errexit -o nounset -o pipefail

: "${LIFETIME_MINUTES:?}"

# Packer cannot clean up when it is killed. The appointment is kept in /run, so the image does not inherit it.
if [[ -d /run/systemd/system ]]; then
  shutdown -P "+${LIFETIME_MINUTES}" 'This builder has outlived its bake.'
fi

if ! command -v cloud-init >/dev/null; then
  echo 'No cloud-init here: nothing to wait for.'
  exit 0
fi

# Installing packages while cloud-init still does so fails on the package manager's lock. Status 2 is a warning, which
# user data that is not a script always earns.
status=0
timeout 600 cloud-init status --wait >/dev/null || status=$?
if ((status == 0 || status == 2)); then
  echo 'cloud-init has finished.'
  exit 0
fi
cloud-init status --long || true
tail --lines 40 /var/log/cloud-init.log || true
# Last, and alone on stderr: it is the reason that the release gives.
if ((status == 124)); then
  echo 'cloud-init has not finished after 10 minutes: look at /var/log/cloud-init.log of the builder.' >&2
else
  echo "cloud-init failed with status ${status}: look at /var/log/cloud-init.log of the builder." >&2
fi
exit 1
