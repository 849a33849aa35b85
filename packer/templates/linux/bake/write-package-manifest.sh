#!/usr/bin/env bash
# Writes what is installed, one package a line (name, version, architecture, source package; sorted), what it is installed on, and
# the SHA-256 of that.
set -o errexit -o nounset -o pipefail

readonly manifest=/etc/packleader/package-manifest.tsv
export LC_ALL=C

if command -v rpm >/dev/null && rpm --query glibc >/dev/null 2>&1; then
  kind=rpm
  installed() {
    rpm --query --all --queryformat '%{NAME}\t%{EVR}\t%{ARCH}\t%{SOURCERPM}\n' | grep --invert-match '^gpg-pubkey'
  }
elif command -v dpkg-query >/dev/null; then
  kind=deb
  installed() {
    # shellcheck disable=SC2016 # dpkg-query expands these
    dpkg-query --show \
      --showformat '${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package} ${source:Version}\n' |
      sed --quiet 's/^ii \t//p'
  }
else
  echo 'Neither rpm nor dpkg-query can say what is installed.' >&2
  exit 1
fi

operating_system() {
  (
    # shellcheck source=/dev/null # of the image
    source /etc/os-release
    printf '%s\t%s\toperating-system\t%s\n' "${ID}" "${VERSION_ID:--}" "${kind}"
  )
}

{
  installed
  operating_system
} | sort >"${manifest}"

packages="$(($(wc --lines <"${manifest}") - 1))"
if ((packages < 50)); then
  echo "Only ${packages} packages were found: the package database cannot be right." >&2
  exit 1
fi

# Relative, so that `sha256sum --check` works next to a downloaded copy.
cd "$(dirname "${manifest}")"
sha256sum "$(basename "${manifest}")" >"$(basename "${manifest}").sha256"
chmod 0644 "${manifest}" "${manifest}.sha256"
echo "${packages} packages, sha256 $(cut --delimiter ' ' --fields 1 "${manifest}.sha256")"
