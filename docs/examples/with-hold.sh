#!/bin/sh
# Calibrates the aim while no update of its config is applied, waiting a minute for the lock; people and the fleet are told why.
# Usage: with-hold.sh NAME COMMAND...
name=$1
shift
exec locksmith hold "$name" --reason calibration --for 10m --wait 1m --exit-code 75 \
  ${LOCKSMITH_SETTINGS:+--settings "$LOCKSMITH_SETTINGS"} -- "$@"
