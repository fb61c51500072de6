# Sourced by ./assess and ./check: installs what is missing, builds. Says what it does before it does it; does nothing, quickly,
# when there is nothing to do; fails with one line that names the thing and what to do about it.

say() { printf '%s\n' "==> $*" >&2; }
fail() {
  printf '%s\n' "$(basename "$0"): $*" >&2
  exit 1
}

build_packages=(g++ make cmake ninja-build pkg-config ccache mold libboost1.81-dev libboost-json1.81-dev libyaml-cpp-dev
  libspdlog-dev libfmt-dev libcli11-dev libssl-dev zlib1g-dev libpq-dev libsqlite3-dev libhiredis-dev duktape-dev librsvg2-dev fonts-dejavu-core postgresql redis-server)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev chromium)

require_disk() { # <MiB>
  local free
  free=$(df -Pm . | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$1" ] || fail "needs $1 MiB of free disk here ($PWD), and there are $free"
}

install_packages() { # <package>...
  local missing=() package as_root=()
  command -v dpkg-query >/dev/null || fail "knows Debian's packages only; on another system install these by hand: $*"
  for package in "$@"; do
    [ "$(dpkg-query -Wf '${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
  done
  # npm may well be there without being Debian's.
  if ! command -v npm >/dev/null; then missing+=(npm); fi
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "apt-get is missing; install these packages by hand: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "neither root nor sudo; as root run: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2 || fail "apt-get update failed (its message is above)"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
    fail "apt-get could not install: ${missing[*]} (its message is above)"
}

install_node_packages() { # [npm option]...
  local stamp=node_modules/.installed all wanted
  all="$(cksum <package-lock.json) "
  wanted="$all$*"
  case "$(cat "$stamp" 2>/dev/null)" in "$wanted" | "$all") return ;; esac  # with all of them there is each part
  say "installing the pinned npm packages (npm ci $*)"
  npm ci --silent --no-audit --no-fund --ignore-scripts "$@" >&2 || fail "npm ci failed (its message is above)"
  printf '%s\n' "$wanted" >"$stamp"
}

build_release() { # <target>...
  local log=build/release/configure.log
  command -v g++ >/dev/null || fail "no C++ compiler (g++) on PATH"
  mkdir -p build/release
  cmake --preset release "${cmake_options[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    fail "configuring failed (above; also in $log)"
  }
  ln -sf build/release/compile_commands.json compile_commands.json
  if [ -n "$(ninja -C build/release -n "$@" | grep -m1 -v 'no work to do\|Entering directory')" ]; then
    say "building $* (Release, with $(nproc) cores)"
  fi
  ninja -C build/release "$@" >build/release/build.log 2>&1 || {
    grep -E 'error|FAILED' build/release/build.log | head -20 >&2
    fail "building failed (all of it: build/release/build.log)"
  }
}
cmake_options=()
