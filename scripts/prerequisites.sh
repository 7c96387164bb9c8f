#!/bin/sh
# What building the shim and running a throw-away PostgreSQL take: a C compiler, make, a PostgreSQL server and its
# server headers. Silent and quick when everything is here.
#
#   prerequisites.sh              install what is missing (root, apt), or print the command that does and exit 1
#   prerequisites.sh --optional   name what is missing and exit 0
#   prerequisites.sh --tests      the same for programs that tests ask (shells, readers of manual pages, pgBadger): without them
#                                 those tests are skipped, so this never fails
#   prerequisites.sh --pg-config  print the pg_config to build against; exit 1 when the shim cannot be built
#
# PG_CONFIG=/path/to/pg_config picks an installation; nothing is installed for one that was picked by hand.
set -eu

preferred=15 # the major version taken where no PostgreSQL is installed
drop_in=/etc/postgresql-common/createcluster.d/pgturret.conf

has_server() { [ -x "$("$1" --bindir)/postgres" ]; }
has_headers() { [ -f "$("$1" --includedir-server)/postgres.h" ] && [ -f "$("$1" --pgxs)" ]; }

candidates() {
  if [ -n "${PG_CONFIG:-}" ]; then
    command -v "$PG_CONFIG" || true
    return
  fi
  ls "/usr/lib/postgresql/$preferred/bin/pg_config" 2>/dev/null || true
  ls -r /usr/lib/postgresql/*/bin/pg_config 2>/dev/null || true
  command -v pg_config || true
}

# Sets pg_config, server and headers. The first complete installation wins; else the first with a server.
find_postgres() {
  pg_config='' server='' headers=''
  for found in $(candidates); do
    [ -x "$found" ] || continue
    this_server='' this_headers=''
    if has_server "$found"; then this_server=yes; fi
    if has_headers "$found"; then this_headers=yes; fi
    if [ -z "$pg_config" ] || { [ -z "$server" ] && [ -n "$this_server" ]; } ||
      [ "$this_server$this_headers" = yesyes ]; then
      pg_config=$found server=$this_server headers=$this_headers
    fi
    [ "$server$headers" != yesyes ] || return 0
  done
}

# PostgreSQL built with GSSAPI includes this header from its own; Debian's packages do not depend on it.
has_gssapi() {
  [ -n "$headers" ] || return 1
  grep -q '^#define ENABLE_GSS 1' "$("$pg_config" --includedir)"/pg_config.h \
    "$("$pg_config" --includedir-server)"/pg_config.h 2>/dev/null || return 0
  # shellcheck disable=SC2046 # the flags are words
  echo '#include <gssapi/gssapi.h>' | cc $("$pg_config" --cppflags) -E - >/dev/null 2>&1
}

# Sets missing (for people) and packages (for apt).
find_missing() {
  find_postgres
  major=$preferred
  if [ -n "$server" ] || [ -n "$headers" ]; then
    major=$("$pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')
  elif apt-cache show postgresql >/dev/null 2>&1 && ! apt-cache show "postgresql-$preferred" >/dev/null 2>&1; then
    major=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1)
  fi
  missing='' packages=''
  command -v cc >/dev/null || need 'a C compiler' build-essential
  command -v make >/dev/null || need make build-essential
  [ -n "$server" ] || need 'a PostgreSQL server' "postgresql-$major"
  [ -n "$headers" ] || need 'the PostgreSQL server headers' "postgresql-server-dev-$major"
  has_gssapi || need 'the GSSAPI headers' libkrb5-dev
}

find_missing_for_tests() {
  missing='' packages=''
  command -v zsh >/dev/null || need zsh zsh
  command -v fish >/dev/null || need fish fish
  command -v groff >/dev/null || need groff groff-base
  command -v mandoc >/dev/null || need mandoc mandoc
  command -v pgbadger >/dev/null || need pgBadger pgbadger
}

install_for_tests() {
  export DEBIAN_FRONTEND=noninteractive
  echo "tests ask $missing; installing: $packages" >&2
  # shellcheck disable=SC2086 # the packages are words
  apt-get update -qq >&2 && apt-get install -y -q --no-install-recommends $packages >&2 || true
  find_missing_for_tests
}

need() {
  missing="${missing:+$missing, }$1"
  case " $packages " in *" $2 "*) ;; *) packages="${packages:+$packages }$2" ;; esac
}

can_build_shim() {
  [ -n "$headers" ] && command -v cc >/dev/null && command -v make >/dev/null && has_gssapi
}

# Headers and server should be of one minor version. The server package comes along to the newest, but not on a machine
# that has clusters of its own: an upgrade restarts those, so there the headers are the ones of the server that is here.
match_server() {
  [ -n "$server" ] || return 0
  case " $packages " in *" postgresql-server-dev-$major "*) ;; *) return 0 ;; esac
  here=$(dpkg-query -W -f '=${Version}' "postgresql-$major" 2>/dev/null) || return 0
  [ -n "$(ls -d /etc/postgresql/*/*/ 2>/dev/null)" ] || here=''
  packages=$(echo "$packages" | sed "s/postgresql-server-dev-$major/&$here/")
  packages="$packages postgresql-$major$here"
}

# Debian creates and starts a cluster when a server is first installed; this keeps it from doing so, for this install.
without_main_cluster() {
  if [ -e "$drop_in" ]; then
    "$@"
    return
  fi
  trap 'rm -f "$drop_in"' EXIT
  trap 'exit 130' INT TERM HUP
  mkdir -p "${drop_in%/*}"
  echo 'create_main_cluster = false' >"$drop_in"
  "$@"
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  echo "pgturret needs $missing; installing: $packages" >&2
  apt-get update -qq >&2
  announced=$packages
  find_missing
  match_server
  [ "$packages" = "$announced" ] || echo "installing: $packages" >&2
  # shellcheck disable=SC2086 # the packages are words
  without_main_cluster apt-get install -y -q --no-install-recommends $packages >&2
  find_missing
  [ -z "$missing" ] || fail "still missing after the installation: $missing"
}

fail() {
  echo "prerequisites: $1" >&2
  exit 1
}

find_missing
case "${1:-}" in
  --pg-config)
    can_build_shim || exit 1
    echo "$pg_config"
    ;;
  --optional)
    [ -z "$missing" ] || echo "not here: $missing (Debian: apt-get install $packages)" >&2
    ;;
  --tests)
    find_missing_for_tests
    if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then install_for_tests; fi
    [ -z "$missing" ] || echo "skipping tests that ask $missing (Debian: apt-get install $packages)" >&2
    ;;
  '')
    [ -n "$missing" ] || exit 0
    [ -z "${PG_CONFIG:-}" ] || fail "missing for PG_CONFIG=$PG_CONFIG: $missing"
    command -v apt-get >/dev/null || fail "missing: $missing; install them and try again"
    if [ "$(id -u)" != 0 ]; then
      fail "missing: $missing. Run this, then try again:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages"
    fi
    install_packages
    ;;
  *) fail "unknown option $1 (expected --optional, --tests, --pg-config or none)" ;;
esac
