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
flags="-std=gnu17 -O2 -D_GNU_SOURCE -I$top/engine -I$top/engine/include -I$top/tests/engine"
compile() { out=$work/$1; shift; $cc $flags "$@" -c -o "$out"; }
for f in qe-quant qe-quant-legacy qe-quant-k qe-quant-iq qe-quant-small; do
  compile "$f.o" -ffp-contract=off "$top/engine/format/quant/$f.c"
done
for f in qe-kernels qe-cpu-flags qe-kernels-generic qe-sketch qe-unpack arm/qe-kernels-neon; do
  compile "$(basename $f).o" "$top/engine/cpu/$f.c"
done
compile grids.o "$grids"
compile qe-kernels-dotprod.o -march=armv8.2-a+dotprod "$top/engine/cpu/arm/qe-kernels-dotprod.c"
compile qe-kernels-i8mm.o -march=armv8.2-a+dotprod+i8mm "$top/engine/cpu/arm/qe-kernels-i8mm.c"
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
