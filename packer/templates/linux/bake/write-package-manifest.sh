#!/usr/bin/env bash
# Writes what is installed, one package a line (name, version, architecture; sorted), and the SHA-256 of that.
set -o errexit -o nounset -o pipefail

readonly manifest=/etc/packleader/package-manifest.tsv
export LC_ALL=C

if command -v rpm >/dev/null && rpm --query glibc >/dev/null 2>&1; then
  rpm --query --all --queryformat '%{NAME}\t%{EVR}\t%{ARCH}\n' | grep --invert-match '^gpg-pubkey' | sort >"${manifest}"
elif command -v dpkg-query >/dev/null; then
  # shellcheck disable=SC2016 # dpkg-query expands these
  dpkg-query --show --showformat '${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\n' |
    sed --quiet 's/^ii \t//p' | sort >"${manifest}"
else
  echo 'Neither rpm nor dpkg-query can say what is installed.' >&2
  exit 1
fi

packages="$(wc --lines <"${manifest}")"
if ((packages < 50)); then
  echo "Only ${packages} packages were found: the package database cannot be right." >&2
  exit 1
fi

# Relative, so that `sha256sum --check` works next to a downloaded copy.
cd "$(dirname "${manifest}")"
sha256sum "$(basename "${manifest}")" >"$(basename "${manifest}").sha256"
chmod 0644 "${manifest}" "${manifest}.sha256"
echo "${packages} packages, sha256 $(cut --delimiter ' ' --fields 1 "${manifest}.sha256")"
