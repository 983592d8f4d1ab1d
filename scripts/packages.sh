# Sourced by the scripts beside it: installs what is missing with apt, and says what.

build_packages=(g++ cmake ninja-build ccache mold python3 libxtensor-dev libxtensor-blas-dev libxsimd-dev libopenblas-dev
                libdnnl-dev libhdf5-dev nlohmann-json3-dev libdeflate-dev zlib1g-dev doctest-dev)
test_packages=(clang-16 libclang-rt-16-dev clang-format-16 clang-tidy-16 python3-venv git valgrind)

install_packages() {
  local package missing=() run=()
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing with apt: ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "These need root: become root or install sudo." >&2; exit 1; }
    run=(sudo)
  fi
  run+=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -y)
  "${run[@]}" update
  "${run[@]}" install --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}
