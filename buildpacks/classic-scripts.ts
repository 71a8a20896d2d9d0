/**
 * Runs the buildpacks that it is given, one after the other, on a copy of the app. Their process
 * types and variables end up in files of the app, for the start script.
 */
export const COMPILE_SCRIPT = `set -eu -o pipefail
build=/tmp/build
mkdir -p "$build" /tmp/env /tmp/cache /tmp/buildpacks
cp -a /app/. "$build/"
# What the app lets its build read; nothing of it stays in a layer.
trap 'rm -rf /tmp/env' EXIT
for name in \${TEAL_BUILD_ENV:-}; do
  printf '%s' "\${!name}" > "/tmp/env/$name"
done
number=0
: > /tmp/processes
for source in "$@"; do
  number=$((number + 1))
  pack=/tmp/buildpacks/$number
  case $source in
    https://*) from=/teal/buildpacks/$number ;;
    *) from=/app/$source ;;
  esac
  mkdir -p "$pack"
  cp -a "$from/." "$pack/"
  chmod +x "$pack"/bin/*
  if ! name=$("$pack/bin/detect" "$build"); then
    echo "The buildpack $source does not recognise this app (its bin/detect said: \${name:-nothing})" >&2
    exit 1
  fi
  echo "-----> $name ($source)"
  # Each has a cache of its own, named for it: their order may change.
  cache=/tmp/cache/$(printf '%s' "$source" | sha256sum | cut -c 1-16)
  mkdir -p "$cache"
  status=0
  "$pack/bin/compile" "$build" "$cache" /tmp/env || status=$?
  if [ "$status" -ne 0 ]; then
    echo "bin/compile of the buildpack $source ended with status $status" >&2
    exit "$status"
  fi
  if [ -f "$pack/export" ]; then
    set +eu
    . "$pack/export"
    set -eu
  fi
  if [ -f "$pack/bin/release" ]; then
    "$pack/bin/release" "$build" > /tmp/release.yml
    awk '/^[^ #-]/ { on = /^default_process_types:/ } on && /^ / { sub(/^ +/, ""); print }' /tmp/release.yml >> /tmp/processes
    mkdir -p "$build/.profile.d"
    awk -v quote="'" '/^[^ #-]/ { on = /^config_vars:/ }
      on && /^ +[A-Za-z_][A-Za-z0-9_]*:/ {
        sub(/^ +/, ""); name = $0; sub(/:.*/, "", name); value = $0; sub(/^[^:]*: */, "", value)
        gsub(/^["]|["]$/, "", value); gsub(quote, quote "\\\\" quote quote, value)
        print "export " name "=\${" name "-" quote value quote "}"
      }' /tmp/release.yml > "$build/.profile.d/000-release-$number.sh"
  fi
done
# The app's own Procfile comes first, then the last buildpack's word.
mkdir -p "$build/.teal"
touch "$build/Procfile"
{ cat "$build/Procfile"; echo; tac /tmp/processes; } > "$build/.teal/processes"
if ! grep -q '^web[[:space:]]*:' "$build/.teal/processes"; then
  echo "No way to start the app: there is no 'web' line in a Procfile, and no buildpack named one" >&2
  exit 1
fi
`;

/** Starts a process type in the environment that the buildpacks have prepared. */
export const START_SCRIPT = `cd /app
command=$(sed -n "s/^$1[[:space:]]*:[[:space:]]*//p" .teal/processes | head -n 1 | tr -d '\\r')
if [ -z "$command" ]; then
  echo "There is no process type '$1' in .teal/processes" >&2
  exit 1
fi
for file in .profile.d/*.sh; do
  if [ -r "$file" ]; then . "$file"; fi
done
if [ -r .profile ]; then . ./.profile; fi
exec bash -c "$command"
`;
