#!/bin/sh
# Makes a project that uses @rpch/rpc from a clone, and calls a server from it.
#
# Usage: RPCH=/path/to/rpch sh examples/install.sh FOLDER BINDING
set -eu
mkdir -p "$1" && cd "$1"
# #region install
npm init -y
npm pkg set type=module
npm install "$RPCH/packages/rpc" # a link to the clone: there is nothing to build
# #endregion
sed -n '/#region/,/#endregion/p' "$RPCH/examples/first-call.ts" >first-call.ts
node first-call.ts "$2"
