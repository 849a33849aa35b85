#!/bin/bash
# Stands in for sudo on machines that only play their part. Every provisioner of the templates connects, uploads and runs its
# script through sudo; here the script is taken, and not run. What the template downloads afterwards is there.
set -o errexit -o nounset -o pipefail

# What the machine is to do: `bake` (default), `fail`, `hang`, or a number of seconds that the bake takes.
part="$(cat /etc/actor-part 2>/dev/null || echo bake)"
case "$*" in
  *KEEP_MINUTES=*)
    # As keep-builder.sh says it where systemd runs.
    minutes="$(sed -E "s/.*KEEP_MINUTES='?([0-9]+).*/\1/" <<<"$*")"
    echo "packleader: this builder ends itself in ${minutes} minutes."
    ;;
  *PLAYBOOK=*/bake.yml*)
    case "${part}" in
      fail) echo 'The playbook fails, as this machine was told to.' >&2; exit 2 ;;
      hang) echo 'The playbook hangs, as this machine was told to.'; exec sleep 3600 ;;
      [0-9]*) exec sleep "${part}" ;;
    esac
    ;;
esac
