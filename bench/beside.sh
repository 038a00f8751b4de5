#!/bin/sh
# What many a device does: takes a config off a topic and puts it in place. Usage: beside.sh HOST PORT DIR TOPIC REPORT SYNC
host=$1 port=$2 dir=$3 topic=$4 report=$5 sync=$6
mosquitto_sub -h "$host" -p "$port" -i "beside-shell-$sync" -c -q 1 -t "$topic" | while IFS= read -r line; do
  printf '%s\n' "$line" >"$dir/config.new"
  [ "$sync" = yes ] && sync "$dir/config.new"
  mv "$dir/config.new" "$dir/config"
  [ "$sync" = yes ] && sync "$dir"
  mosquitto_pub -h "$host" -p "$port" -q 1 -t "$report" -m "${line%% *}"
done
