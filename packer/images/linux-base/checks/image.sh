# shellcheck shell=bash
# What this image must have besides what every Linux image has.

check_time_zone_exists() {
  test -e "$(readlink --canonicalize /etc/localtime)"
}

check_time_comes_from_amazon() {
  grep --quiet --recursive --no-messages '^server 169.254.169.123 ' /etc/chrony /etc/chrony.d
}
