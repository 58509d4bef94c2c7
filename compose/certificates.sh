#!/usr/bin/env bash
# The certificates of compose.tls.yml: certificates.sh DOMAIN NAME… makes one for each NAME.DOMAIN.
#
# An authority is made, signs this one certificate, and its key is gone: whoever trusts root.crt
# trusts nothing that anybody could sign later. Its name constraint says the same of other domains.
# What is there for the same names and good for another month stays.
set -euo pipefail
umask 077

domain=$1
shift
root=${ROOT_FOLDER:-/ca}/root.crt
server=${SERVER_FOLDER:-/certificates}/server.pem
days=${DAYS:-825} # no more is accepted by Apple's systems
names=$(printf "DNS:%s.$domain," "$@")
names=${names%,}

is_good() {
  openssl verify -purpose sslserver -CAfile "$root" "$server" &&
    openssl x509 -in "$server" -noout -checkend $((30 * 24 * 60 * 60)) &&
    [[ $(openssl x509 -in "$server" -noout -ext subjectAltName | tail -n 1 | tr -d ' ') == "$names" ]]
}

sign() { # a section of the configuration, and by that name a key and a certificate; further options
  openssl req -x509 -config "$work/openssl.cnf" -extensions "$1" -days "$days" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
    -keyout "$work/$1.key" -out "$work/$1.crt" "${@:2}" 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }
}

if is_good >/dev/null 2>&1; then
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/openssl.cnf" <<CONFIGURATION
[req]
distinguished_name = subject
[subject]
[root]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
nameConstraints = critical, permitted;DNS:$domain, excluded;IP:0.0.0.0/0.0.0.0, excluded;IP:::/::
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $names
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
CONFIGURATION

# a name that no earlier root has, which a browser may know still
sign root -subj "/CN=mcp-authstack $domain $(openssl rand -hex 4)"
sign server -subj "/CN=$1.$domain" -CA "$work/root.crt" -CAkey "$work/root.key"

# beside the old ones, then in their place: a crash leaves none that is half written
cat "$work/server.crt" "$work/server.key" >"$server.new"
cat "$work/root.crt" >"$root.new"
chmod 444 "$root.new"
mv "$server.new" "$server"
mv "$root.new" "$root"
