#!/bin/sh
# What the container starts: at the first start it writes a configuration, then it compiles the engine and runs the
# service. Other words are a command to run in place of all this, such as `filmscand doctor`.
set -eu

station=$FILMSCAND_STATION
config=$station/station.yaml
set -f
# Names and addresses by which browsers reach the page, separated by spaces.
hosts=$(echo ${FILMSCAND_HOSTS:-localhost 127.0.0.1})

# The page is reached from outside of the container, so it wants TLS and a login.
write_certificate() {
    names=""
    for host in $hosts; do
        case $host in
            *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) names=$names,IP:$host ;;
            *) names=$names,DNS:$host ;;
        esac
    done
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj "/CN=filmscand" \
        -addext "subjectAltName=${names#,}" -keyout "$station/key.pem" -out "$station/certificate.pem" 2>/dev/null
}

write_config() {
    openssl rand -base64 15 >"$station/first-password"
    password=$(filmscand page password <"$station/first-password")
    cat >"$config.new" <<END
# Written at the first start. All keys: docs/reference/configuration.md.
archive: /archive
watch:
  - path: /drop
page:
  address: 0.0.0.0
  hosts: [$(echo "$hosts" | sed 's/ /, /g')]
  certificate: $station/certificate.pem
  key: $station/key.pem
  users:
    - name: operator
      role: operator
      $password
END
    filmscand config check "$config.new" >/dev/null
    mv "$config.new" "$config"
    echo "filmscand: first start: https://${hosts%% *}:8420/, user operator, password in $station/first-password" >&2
}

[ $# -eq 0 ] || exec "$@"

if [ ! -e "$config" ] && [ ! -e "$CONFIGURATION_DIRECTORY/station.yaml" ]; then
    umask 077
    write_certificate
    write_config
fi
umask 027
# In the background, so that a stop ends it. A failure is told again by the service, with the reason.
filmscand warm-up &
trap 'kill $!; exit 143' TERM INT
wait $! || true
trap - TERM INT
exec filmscand run
