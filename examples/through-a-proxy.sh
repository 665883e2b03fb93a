#!/bin/sh
# The store behind an RPC Proxy, all on loopback: a server, the proxy in front of it, and a client of both.
#
# Usage: HTTP_PORT=6004 PROXY_PORT=8080 sh examples/through-a-proxy.sh     in the root of the clone
set -eu
data=$(mktemp -d)
trap 'kill $server $proxy; wait; rm -r "$data"' EXIT
# #region server
node examples/serve.ts 0 "$HTTP_PORT" &
# #endregion
server=$!
# #region proxy
node_modules/.bin/rpch proxy --listen "http://127.0.0.1:$PROXY_PORT" --allow "ncacn_http:127.0.0.1[$HTTP_PORT]" \
    --domain EXAMPLE --user alice:wonderland --data "$data" &
# #endregion
proxy=$!
# Waits until both listen.
node -e '
for (const port of process.argv.slice(1)) {
  const dial = () =>
    require("node:net").connect(port, "127.0.0.1", function () { this.destroy(); }).on("error", () => setTimeout(dial, 100));
  dial();
}' "$HTTP_PORT" "$PROXY_PORT"
# #region client
node examples/client.ts "ncacn_http:127.0.0.1[$HTTP_PORT,RpcProxy=127.0.0.1:$PROXY_PORT]" notes \
    set greeting hello -u 'EXAMPLE\alice' -p wonderland
# #endregion
