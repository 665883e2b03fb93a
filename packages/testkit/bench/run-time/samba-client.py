#!/usr/bin/python3
"""samba-client.py TASK - calls per second of rpcecho with Samba's own client; TASK is JSON: binding, account, warmUp, seconds, size."""
import json, struct, sys, time
from samba import credentials, param
from samba.dcerpc import echo

task = json.loads(sys.argv[1])
lp = param.LoadParm()
lp.load_default()
lp.set("tls verify peer", "no_check")
c = credentials.Credentials()
c.guess(lp)
c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
account = task.get("account")
if account:
    c.set_domain(account["domain"])
    c.set_username(account["name"])
    c.set_password(account["password"])
else:
    c.set_anonymous()
conn = echo.rpcecho(task["binding"], lp, c)
size = task["size"]
data = bytes([7]) * size


def run(seconds):
    calls = 0
    begun = time.perf_counter()
    until = begun + seconds
    while time.perf_counter() < until:
        if size:
            assert len(conn.EchoData(list(data))) == size
        else:
            assert conn.AddOne(calls) == calls + 1
        calls += 1
    return calls / (time.perf_counter() - begun)


run(task["warmUp"])
print(json.dumps({"rate": run(task["seconds"])}))
