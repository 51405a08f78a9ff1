#!/bin/sh
# format.sh ROOT - src, include and tests are formatted according to .clang-format. clang-format 14 is the
# version of Debian 12. Other versions format some lines differently, so the test is skipped with them.
set -eu
cd "$1"
clang-format --version 2>/dev/null | grep -q 'version 14\.' ||
    { echo "clang-format 14 is not installed"; exit 77; }
find src include tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror || {
    echo "format with: clang-format -i \$(find src include tests -name '*.[ch]')"
    exit 1
}
