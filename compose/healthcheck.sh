# Ready or not, as /readyz on the management port says: the slim image has no curl.
exec 3<>"/dev/tcp/127.0.0.1/${MANAGEMENT_PORT}" || exit 1
printf 'GET /readyz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
read -r _ status _ <&3
if [ "$status" != 200 ]; then
  cat <&3
  exit 1
fi
