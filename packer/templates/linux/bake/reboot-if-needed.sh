#!/usr/bin/env bash
# Restarts the builder when an update asks for it, so that everything after this runs on what was installed.
set -o errexit -o nounset -o pipefail

if [[ ! -d /run/systemd/system ]]; then
  echo 'systemd does not run here: no restart.'
  exit 0
fi

needed=false
if [[ -e /run/reboot-required ]]; then
  needed=true
elif command -v dnf >/dev/null; then
  # Exits with 1 when a restart is needed.
  dnf needs-restarting --reboothint || needed=true
else
  newest="$(find /lib/modules -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort --version-sort | tail -n 1)"
  if [[ -n "${newest}" && "${newest}" != "$(uname --kernel-release)" ]]; then
    needed=true
  fi
fi

if [[ "${needed}" == false ]]; then
  echo 'No restart is needed.'
  exit 0
fi

echo 'Restarting.'
systemctl reboot
# Packer's connection ends while this waits: it would otherwise go on with the old boot.
sleep 300
echo 'The builder did not restart within 5 minutes: look at its console output.' >&2
exit 1
