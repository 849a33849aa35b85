# shellcheck shell=bash
# What linux-base must have besides what every Linux image has.

check_image_is_linux_base() {
  grep --quiet '"image": *"linux-base"' /etc/packleader/image.json
}

check_time_zone_exists() {
  test -e "$(readlink --canonicalize /etc/localtime)"
}

check_time_comes_from_amazon() {
  grep --quiet --recursive --no-messages '^server 169.254.169.123 ' /etc/chrony /etc/chrony.d
}
