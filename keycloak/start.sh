#!/usr/bin/env bash
# Starts Keycloak with the realm's secrets from files: start.sh start --import-realm [option…]
#
# Keycloak would take them from the environment, where every process of its user reads them. So
# they are filled into copies that only we read: of the realm's file, and of the configuration.
# Nothing starts while one is missing or malformed: an unknown ${NAME} stays as it is in the import,
# and a well-known text would be the secret.
set -euo pipefail
umask 077

secrets_dir=${SECRETS_DIR:-/run/authstack}
keycloak_home=${KEYCLOAK_HOME:-/opt/keycloak}
realms=${REALMS_DIR:-/opt/mcp-authstack/realms}

secret() { # name: prints the secret of that file
  local file="$secrets_dir/$1" value
  [[ -r $file ]] || { echo "$file: is missing or cannot be read" >&2; return 1; }
  value=$(<"$file")
  # it is pasted into JSON and a properties file, and travels form-encoded
  [[ $value =~ ^[A-Za-z0-9._~-]{24,}$ ]] ||
    { echo "$file: needs at least 24 letters, digits and ._~-" >&2; return 1; }
  printf '%s' "$value"
}

bridge_secret=$(secret bridge_secret)
registrar_secret=$(secret registrar_secret)
mkdir -p "$keycloak_home/data/import"
for file in "$realms"/*-realm.json; do
  realm=$(<"$file")
  realm=${realm//'${MCP_BRIDGE_SECRET}'/$bridge_secret}
  realm=${realm//'${MCP_REGISTRAR_SECRET}'/$registrar_secret}
  printf '%s\n' "$realm" >"$keycloak_home/data/import/${file##*/}"
done

# Without this file there is no first administrator, and nothing else is missing
if [[ -e $secrets_dir/admin_password ]]; then
  admin_password=$(secret admin_password)
  KC_CONFIG_FILE=$(mktemp -d)/keycloak.conf
  export KC_CONFIG_FILE
  printf 'bootstrap-admin-username=admin\nbootstrap-admin-password=%s\n' "$admin_password" >"$KC_CONFIG_FILE"
fi

exec "$keycloak_home/bin/kc.sh" "$@"
