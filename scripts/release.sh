#!/usr/bin/env bash
# release.sh - makes a release in the directory `release`: the source as a tarball, and the Debian packages
# that were built and tested from that tarball. Refuses a working tree with changes, and a version that the
# CHANGELOG does not release.
#
#     release.sh             builds, runs every test, packages
#     release.sh --trial     the same for a version that is not released yet, without tests
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

trial=${1:-}
die() { echo "release.sh: $*" >&2; exit 1; }
[ -z "$trial" ] || [ "$trial" = --trial ] || die "$trial is not allowed (--trial)"

version=$(sed -n 's/^project(margin VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[ -z "$(git status --porcelain)" ] || die "the working tree has changes: commit them first"
grep -q "^version = \"$version\"" pyproject.toml ||
    die "pyproject.toml does not have version $version"
heading=$(grep -m 1 '^## ' CHANGELOG.md)
case $heading in
"## $version - unreleased") [ -n "$trial" ] ||
    die "CHANGELOG.md: '$heading': write the date of the release there" ;;
"## $version - "20[0-9][0-9]-[0-9][0-9]-[0-9][0-9]) ;;
*) die "CHANGELOG.md: '$heading' is not of the form '## $version - YYYY-MM-DD'" ;;
esac

packages_need "${packages_build[@]}" "${packages_test[@]}" "${packages_release[@]}"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
rm -rf release
mkdir release
git archive --prefix="margin-$version/" HEAD | gzip -9n >"release/margin-$version.tar.gz"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xzf "release/margin-$version.tar.gz" -C "$work"
cd "$work/margin-$version"
tests=ON
[ -z "$trial" ] || tests=OFF
cmake -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DMARGIN_TESTS=$tests >/dev/null
cmake --build build -j "$(nproc)" >/dev/null
if [ -z "$trial" ]; then ctest --test-dir build --output-on-failure -j "$(nproc)"; fi
build/margin --version | grep -q "^margin *$version" || die "the program does not have version $version"
(cd build && cpack -G DEB >/dev/null)
lintian --fail-on error build/*.deb
cd - >/dev/null
cp "$work/margin-$version"/build/*.deb release/
(cd release && sha256sum -- * >SHA256SUMS)
ls -l release
