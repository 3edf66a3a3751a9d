# Sourced by every script here: where the lab keeps its state, its ports, and how a part is started and ended.
# shellcheck shell=bash

LAB=${LAB:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.lab}
LAB_PORT_BASE=${LAB_PORT_BASE:-19000}
case $LAB_PORT_BASE in
  '' | *[!0-9]*) echo "lab: LAB_PORT_BASE is not a number: $LAB_PORT_BASE" >&2; exit 2 ;;
esac
case $LAB in
  /*) ;;
  *) echo "lab: LAB must be an absolute path: $LAB" >&2; exit 2 ;;
esac

PORT_FRONT=$LAB_PORT_BASE
PORT_METRICS=$((LAB_PORT_BASE + 1))
PORT_TLS=$((LAB_PORT_BASE + 2))
PORT_WEB_1=$((LAB_PORT_BASE + 3))
PORT_WEB_2=$((LAB_PORT_BASE + 4))
PORT_DNS=$((LAB_PORT_BASE + 5))
PORT_PROMETHEUS=$((LAB_PORT_BASE + 6))
PORT_ALERTMANAGER=$((LAB_PORT_BASE + 7))
PORT_BLACKBOX=$((LAB_PORT_BASE + 8))
PORT_NODE=$((LAB_PORT_BASE + 9))

ZONE=example.test
TSIG_NAME=lineclear-key
# Name, the address it starts with, its standby.
DNS_PLAN='www 192.0.2.10 192.0.2.20
shop 192.0.2.11 192.0.2.21
api 192.0.2.12 192.0.2.22
mail 192.0.2.13 192.0.2.23'
PARTS='web-1 web-2 haproxy bind9 blackbox node-exporter alertmanager prometheus customers'

# Ten seconds in steps of 50 ms, for everything that has to become ready.
READY_STEPS=200

# Daemons of Debian live in sbin, which is not on everybody's path.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
die() { printf 'lab: %s\n' "$*" >&2; exit 1; }

# When the kernel started a process, in ticks since boot: tells a process from a later one with the same number.
born() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

is_running() {
  local pid
  pid=$(cat "$LAB/pids/$1" 2>/dev/null) || return 1
  [ -n "$pid" ] && [ -n "$(born "$pid")" ] && [ "$(born "$pid")" = "$(cat "$LAB/pids/$1.born" 2>/dev/null)" ]
}

# start NAME COMMAND...: in the background, detached, with a pid file and a log of its own.
start() {
  local name=$1
  shift
  setsid "$@" </dev/null >>"$LAB/logs/$name.log" 2>&1 &
  echo $! >"$LAB/pids/$name"
  born $! >"$LAB/pids/$name.born" || true
}

# await NAME COMMAND...: until the command succeeds.
await() {
  local name=$1 step
  shift
  for ((step = 0; step < READY_STEPS; step++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    is_running "$name" || break
    sleep 0.05
  done
  tail -n 5 "$LAB/logs/$name.log" >&2 || true
  die "$name is not ready; its log: $LAB/logs/$name.log"
}

# end NAME [SIGNAL]: and wait until it is gone; killed after five seconds.
end() {
  local name=$1 signal=${2:-TERM} pid step
  if is_running "$name"; then
    pid=$(cat "$LAB/pids/$name")
    kill -s "$signal" "$pid" 2>/dev/null || true
    for ((step = 0; step < 100; step++)); do
      is_running "$name" || break
      sleep 0.05
    done
    if is_running "$name"; then kill -s KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$LAB/pids/$name" "$LAB/pids/$name.born"
}

answers() { curl -fsS -m 2 -o /dev/null "$@"; }

start_web() {
  local name=$1 port=$2
  start "$name" haproxy -db -f "$LAB/$name/haproxy.cfg"
  await "$name" answers "http://127.0.0.1:$port/"
}
