#!/bin/sh
# Runs a command while no update of the config is applied. Usage: with-flock.sh NAME COMMAND...
# The lock lasts exactly as long as the command, however it ends.
lock="${LOCKSMITH_RUN:-/run/locksmith}/locks/$1/lock"
shift
exec flock --nonblock --conflict-exit-code 75 "$lock" "$@"
