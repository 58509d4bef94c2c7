#!/usr/bin/env bash
# Starts Keycloak with the realm's secrets from files: start.sh start-dev --import-realm [option…]
#
# The import replaces ${NAME} by the environment's value and leaves an unknown name as it is, which
# would make a well-known text the secret: so nothing starts while one is missing or malformed.
set -euo pipefail

secrets_dir=${SECRETS_DIR:-/run/authstack}
keycloak_home=${KEYCLOAK_HOME:-/opt/keycloak}

secret() { # name: prints the secret of that file
  local file="$secrets_dir/$1" value
  [[ -r $file ]] || { echo "$file: is missing or cannot be read" >&2; return 1; }
  value=$(<"$file")
  # it is pasted into JSON, and travels form-encoded
  [[ $value =~ ^[A-Za-z0-9._~-]{24,}$ ]] ||
    { echo "$file: needs at least 24 letters, digits and ._~-" >&2; return 1; }
  printf '%s' "$value"
}

MCP_BRIDGE_SECRET=$(secret bridge_secret)
MCP_REGISTRAR_SECRET=$(secret registrar_secret)
export MCP_BRIDGE_SECRET MCP_REGISTRAR_SECRET

# Without this file there is no first administrator, and nothing else is missing
if [[ -e $secrets_dir/admin_password ]]; then
  KC_BOOTSTRAP_ADMIN_USERNAME=admin
  KC_BOOTSTRAP_ADMIN_PASSWORD=$(secret admin_password)
  export KC_BOOTSTRAP_ADMIN_USERNAME KC_BOOTSTRAP_ADMIN_PASSWORD
fi

exec "$keycloak_home/bin/kc.sh" "$@"
