#!/usr/bin/env bash
# Records what git keeps of files that Git LFS and git-crypt put in their place. Needs git, git-lfs and git-crypt; recorded with
# git 2.39.5, git-lfs 3.3.0 and git-crypt 0.7.0. Usage: record.sh (writes beside itself)
set -o errexit -o nounset -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(mktemp -d)
trap 'rm -rf "$repository"' EXIT
cd "$repository"
git init --quiet
git config user.name someone
git config user.email someone@example.com
git lfs install --local
git lfs track '*.bin'
git-crypt init
echo '*.key filter=git-crypt diff=git-crypt' >>.gitattributes
printf 'hello world!\n' >setup.bin
printf 'secret\n' >setup.key
git add --all
git commit --quiet --message recorded
git cat-file blob HEAD:setup.bin >"$here/lfs-pointer"
git cat-file blob HEAD:setup.key >"$here/git-crypt"
