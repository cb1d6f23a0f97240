#!/bin/sh
# The kernels for Arm, compiled with a cross compiler and run by qemu: arm.sh SOURCE-FOLDER GRIDS.c WORK-FOLDER
# Runs test-kernels on a processor without sdot and smmla and on one with both. Skipped where the tools are missing.
set -eu
top=$1 grids=$2 work=$3
cc=aarch64-linux-gnu-gcc
if ! command -v $cc > /dev/null || ! command -v qemu-aarch64 > /dev/null; then
  echo "1..0 # SKIP $cc or qemu-aarch64 is missing"
  exit 0
fi
mkdir -p "$work"
rm -f "$work"/*.o
flags="-std=gnu17 -O2 -D_GNU_SOURCE -I$top/engine -I$top/engine/include -I$top/tests/engine"
compile() { out=$work/$1; shift; $cc $flags "$@" -c -o "$out"; }
for f in qe-quant qe-quant-legacy qe-quant-k qe-quant-iq qe-quant-small; do
  compile "$f.o" -ffp-contract=off "$top/engine/format/quant/$f.c"
done
for f in qe-kernels qe-cpu-flags qe-unpack; do compile "$f.o" "$top/engine/cpu/$f.c"; done
for f in "$top"/engine/cpu/generic/*.c "$top"/engine/cpu/arm/*.c; do
  case $f in
    *-dotprod.c) set -- -march=armv8.2-a+dotprod ;;
    *-i8mm.c) set -- -march=armv8.2-a+dotprod+i8mm ;;
    *) set -- ;;
  esac
  compile "$(basename "$f" .c).o" "$@" "$f"
done
compile grids.o "$grids"
compile qe-test.o "$top/tests/engine/qe-test.c"
compile test-kernels.o "$top/tests/engine/test-kernels.c"
$cc -static -o "$work/test-kernels" "$work"/*.o -lm -lpthread
status=0
for cpu in cortex-a53 max; do
  qemu-aarch64 -cpu $cpu "$work/test-kernels" > "$work/$cpu.log" || status=1
  sed -n "s/^# /# $cpu: /p" "$work/$cpu.log"
done
n=0
for cpu in cortex-a53 max; do
  while read -r line; do
    case $line in
      "ok "*) n=$((n + 1)); echo "ok $n - $cpu ${line#*- }" ;;
      "not ok "*) n=$((n + 1)); echo "not ok $n - $cpu ${line#*- }" ;;
    esac
  done < "$work/$cpu.log"
done
echo "1..$n"
exit $status
