#!/usr/bin/python3
"""impacket-client.py TASK - calls per second of rpcecho's AddOne with impacket; TASK is JSON: server, port, url, account, warmUp, seconds."""
import json, struct, sys, time
from impacket import uuid
from impacket.dcerpc.v5 import transport
from impacket.http import AUTH_BASIC

task = json.loads(sys.argv[1])
if task.get("url"):
    t = transport.DCERPCTransportFactory("ncacn_http:%s[%d]" % (task["server"], task["port"]))
    t.set_rpc_proxy_url(task["url"])
    t.set_credentials(task["account"]["name"], task["account"]["password"], "")
    t.set_auth_type(AUTH_BASIC)
else:
    t = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%d]" % (task["server"], task["port"]))
dce = t.get_dce_rpc()
dce.connect()
dce.bind(uuid.uuidtup_to_bin(("60a15ec5-4de8-11d7-a637-005056a20182", "1.0")))


def run(seconds):
    calls = 0
    begun = time.perf_counter()
    until = begun + seconds
    while time.perf_counter() < until:
        dce.call(0, struct.pack("<I", calls))
        assert dce.recv()[:4] == struct.pack("<I", calls + 1)
        calls += 1
    return calls / (time.perf_counter() - begun)


run(task["warmUp"])
print(json.dumps({"rate": run(task["seconds"])}))
