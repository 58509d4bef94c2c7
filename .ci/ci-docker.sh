#!/usr/bin/env bash
# ci-docker.sh install | start | stop | clean      (idempotent; Debian bookworm or later, root or sudo)
#
# install  engine (25 or later: health checks with a start interval), compose v2 and buildx from Debian
#          trixie, nothing else from there
# start    dockerd, unless one already answers; no systemd needed
# stop     only the dockerd that "start" began
# clean    this project's containers, networks and volumes (PROJECT=name), no image, nobody else's
set -euo pipefail
SUDO=; [ "$(id -u)" = 0 ] || SUDO='sudo -n'
LOG=${DOCKERD_LOG:-/var/log/dockerd-ci.log}
MINE=/run/dockerd-ci.pid
PROJECT=${PROJECT:-}
as_root() { $SUDO "$@"; }
put() { as_root tee "$1" >/dev/null; }

install() {
  docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 &&
    command -v dockerd >/dev/null && [ "$(dockerd --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')" -ge "${MIN_ENGINE:-25}" ] && return
  . /etc/os-release
  local from=''
  if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    # the mirror of this machine, the suite trixie, at a priority below everything already there
    local src=/etc/apt/sources.list.d/debian.sources
    if [ -f $src ]; then sed '/^$/,$d; s/^Suites:.*/Suites: trixie/' $src | put /etc/apt/sources.list.d/ci-trixie.sources
    else echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(awk '$1=="deb"{for(i=2;i<=NF;i++)if($i~/^https?:/){print $i;exit}}' /etc/apt/sources.list) trixie main" | put /etc/apt/sources.list.d/ci-trixie.list; fi
    printf 'Package: *\nPin: release n=trixie\nPin-Priority: 50\n' | put /etc/apt/preferences.d/ci-trixie
    from=/trixie
  fi
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    docker.io$from docker-cli$from docker-compose$from docker-buildx$from iptables >/dev/null
}

alive() { docker info >/dev/null 2>&1; }   # needs the daemon, not only the socket file
is_dockerd() { # pid: a dockerd, and not the zombie of one
  [ "$(cat "/proc/${1:-none}/comm" 2>/dev/null)" = dockerd ] && ! grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

start() {
  ( flock 9
    alive && exit 0
    # a pid file from before a reboot or a snapshot makes dockerd refuse, or points at a stranger
    p=$(cat /run/docker.pid 2>/dev/null || true)
    if ! is_dockerd "$p"; then
      as_root rm -f /run/docker.pid
      # root's shell, not sudo, opens the log and notes the pid; 9 is the lock, which must not be inherited
      as_root bash -c "setsid dockerd ${DOCKERD_FLAGS:-} </dev/null >>$LOG 2>&1 9>&- & echo \$! >$MINE"
      p=$(cat $MINE)
    fi # else: somebody's dockerd is still coming up: wait for that one
    for i in $(seq "${WAIT_S:-60}"); do
      alive && exit 0
      [ "$i" -lt 3 ] || is_dockerd "$p" || break
      sleep 1
    done
    echo "dockerd did not come up; the end of $LOG:" >&2; as_root tail -n 30 "$LOG" >&2; exit 1
  ) 9>"${TMPDIR:-/tmp}/ci-docker.lock"
}

stop() {
  local p; p=$(cat $MINE 2>/dev/null || true)
  if is_dockerd "$p"; then
    as_root kill "$p"; for _ in $(seq 60); do is_dockerd "$p" || break; sleep .5; done
  fi
  as_root rm -f $MINE
}

clean() {
  [ -n "$PROJECT" ] || { echo 'PROJECT=name' >&2; exit 2; }
  local f="label=com.docker.compose.project=$PROJECT"
  docker ps -aq --filter "$f" | xargs -r docker rm -fv >/dev/null
  docker network ls -q --filter "$f" | xargs -r docker network rm >/dev/null
  docker volume ls -q --filter "$f" | xargs -r docker volume rm >/dev/null
}

for a; do case $a in install|start|stop|clean) $a ;; *) sed -n "2,8p" "$0"; exit 2 ;; esac; done
