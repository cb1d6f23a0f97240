#!/bin/sh
# quern-cli from outside: tests/core/trace.sh QUERN-CLI FOLDER-OF-QUERN-TINY. Speaks TAP.
#  - what it writes lies in the XDG folders (strace)
#  - a chat opens no connection, and needs none: it works in a network namespace without routes
#  - valgrind finds no error on the way from the file to the answer
set -eu
cli=$1
model=$2/quern-tiny-Q8_0.gguf
# Not sanitized builds: strace and valgrind cannot see through them.
if ldd "$cli" | grep -q 'lib[at]san'; then echo '1..0 # SKIP a sanitized build'; exit; fi
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir "$home/data" "$home/config" "$home/cache" "$home/state" "$home/run" "$home/home"
export XDG_DATA_HOME="$home/data" XDG_CONFIG_HOME="$home/config" XDG_CACHE_HOME="$home/cache" XDG_STATE_HOME="$home/state" \
  XDG_RUNTIME_DIR="$home/run" HOME="$home/home"
unset DBUS_SESSION_BUS_ADDRESS
n=0
result() { # STATUS WHAT
  n=$((n + 1))
  if [ "$1" = 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}
works() { "$@" > /dev/null 2>&1; }
ask() { "$@" "$cli" chat -m "$model" --no-think --temp 0 --max 16 'What is the capital of France?'; }

if works strace -f -o "$home/trace" true; then
  status=0
  answer=$(ask strace -f -qq -o "$home/trace" -e trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,connect,socket \
    2> /dev/null) || status=1
  [ "$answer" = 'The capital of France is Paris.' ] || status=1
  strace -f -qq -o "$home/import" -e trace=openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2 \
    "$cli" import "$model" > /dev/null 2>&1 || status=1
  result $status 'a chat and an import under strace'
  status=0
  grep -hE 'O_WRONLY|O_RDWR|O_CREAT|^[0-9]+ +(mkdir|creat|rename)' "$home/trace" "$home/import" \
    | grep -vE "\"($home/(data|config|cache|state|run)|/dev/(null|tty|shm/)|/proc/self/)|ENOENT|O_TMPFILE|memfd" > "$home/outside" || :
  [ ! -s "$home/outside" ] || { status=1; sed 's/^/# /' "$home/outside"; }
  [ -s "$XDG_DATA_HOME/quern/quern.db" ] || status=1 # the trace saw a write at all
  result $status 'nothing is written outside the XDG folders'
  status=0
  if grep -E 'AF_INET6?' "$home/trace" | sed 's/^/# /' | grep .; then status=1; fi
  result $status 'a chat opens no connection'
else
  echo "ok $((n += 1)) # SKIP no strace here"
fi

if works unshare -rn true; then
  status=0
  [ "$(ask unshare -rn 2> /dev/null)" = 'The capital of France is Paris.' ] || status=1
  unshare -rn "$cli" search qwen > /dev/null 2> "$home/errors" && status=1
  [ "$(wc -l < "$home/errors")" = 1 ] || status=1
  result $status 'without a network a chat works, and a search says what is wrong in one line'
else
  echo "ok $((n += 1)) # SKIP no network namespaces here"
fi

if works valgrind --version; then
  status=0
  # OpenBLAS and the kernels choose what valgrind knows by themselves: it hides the processor's newer instructions.
  ask valgrind -q --error-exitcode=9 --leak-check=no --max-stackframe=8000000 --log-file="$home/valgrind" \
    > "$home/answer" 2> /dev/null || status=1
  grep -qx 'The capital of France is Paris.' "$home/answer" || status=1
  [ ! -s "$home/valgrind" ] || { status=1; head -n 40 "$home/valgrind" | sed 's/^/# /'; }
  result $status 'valgrind finds nothing'
else
  echo "ok $((n += 1)) # SKIP no valgrind here"
fi
echo "1..$n"
