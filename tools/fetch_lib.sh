# SPDX-License-Identifier: BSD-2-Clause
# Sourced by the scripts that fetch pinned files: where the cache is, which mirror is asked, what makes a file good.
#
# Cache: SOCLE_CACHE (default ~/.cache/socle), so that `make clean` costs nothing. Mirror: SOCLE_MIRROR, else the
# machine's own from apt's configuration; SOCLE_SNAPSHOT: an archive that keeps old pool files, tried last.
cache=${SOCLE_CACHE:-$HOME/.cache/socle}
mkdir -p "$cache"

mirror() {
    if [ -n "${SOCLE_MIRROR:-}" ]; then
        echo "${SOCLE_MIRROR%/}"
        return
    fi
    local codename
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | awk -v c="$codename" '$1 == c { print $2; exit }' | sed 's,/*$,,'
}

sha_ok() { echo "$2  $1" | sha256sum -c --status; }

# fetch NAME PATH SHA256: puts the pool file PATH into the cache, or fails. The temporary name is this process's own:
# two builds may fetch at once.
fetch() {
    local file="$cache/${2##*/}" base part
    [ -f "$file" ] && sha_ok "$file" "$3" && return
    part="$file.$$.part"
    for base in "$(mirror)" "${SOCLE_SNAPSHOT:-}"; do
        [ -n "$base" ] || continue
        curl -fsSL --retry 3 --max-time 300 -o "$part" "${base%/}/$2" || continue
        if sha_ok "$part" "$3"; then
            mv "$part" "$file"
            return
        fi
        echo "fetch: $1: what the mirror sent for $2 has another SHA-256 than the lock file; it is not used." >&2
    done
    rm -f "$part"
    echo "fetch: $1: $2 is not to be had; set SOCLE_MIRROR or SOCLE_SNAPSHOT to an archive that has it, or put the file into $cache." >&2
    exit 1
}

# apt_deb PACKAGE DIR: the path of a package of this machine's Debian release, in DIR; what is there is used again. Not pinned: apt verifies it.
apt_deb() {
    local deb
    mkdir -p "$2"
    deb=$(find "$2" -maxdepth 1 -name "$1_*.deb" | head -1)
    if [ -z "$deb" ]; then
        (cd "$2" && apt-get download -qq "$1") || {
            echo "fetch: the package $1 cannot be downloaded; check the network, or run 'apt-get update' as root and try again." >&2
            return 1
        }
        deb=$(find "$2" -maxdepth 1 -name "$1_*.deb" | head -1)
    fi
    echo "$deb"
}

# The name npm gives a package's archive.
npm_file() { # package version
    local base=${1#@}
    echo "${base//\//-}-$2.tgz"
}

# fetch_npm PACKAGE VERSION SHA256: the same for a package of npm.
fetch_npm() {
    local name file part
    name=$(npm_file "$1" "$2")
    file=$cache/$name
    [ -f "$file" ] && sha_ok "$file" "$3" && return
    part=$(mktemp -d)
    if command -v npm >/dev/null && (cd "$part" && npm pack --silent --ignore-scripts "$1@$2" >/dev/null); then
        if sha_ok "$part/$name" "$3"; then
            mv "$part/$name" "$file"
            rm -r "$part"
            return
        fi
        echo "fetch: $1: what npm brought has another SHA-256 than the lock file; it is not used." >&2
    fi
    rm -rf "$part"
    echo "fetch: $1@$2 is not to be had by npm; put its archive as $name into $cache." >&2
    exit 1
}
