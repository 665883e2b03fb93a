#!/usr/bin/python3
"""echo-large.py BINDING - large EchoData calls of rpcecho on one association, compared byte for byte.

  echo-large.py 'ncacn_ip_tcp:127.0.0.1[49001,seal]' --user DOMAIN/NAME%PASSWORD --conf DIR/etc/client.conf

Every call carries other bytes.  Prints one line of JSON: calls, bytes (each way), seconds.  Ends with 1
and names the call and the offset of the first byte that differs.
"""
import argparse, json, random, struct, sys, time
from samba import credentials, param
from samba.dcerpc import echo

p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
p.add_argument("binding")
p.add_argument("--user", required=True)
p.add_argument("--conf", required=True)
p.add_argument("--calls", type=int, default=20)
p.add_argument("--size", type=int, default=1048576)
p.add_argument("--seed", type=int, default=1)
o = p.parse_args()

lp = param.LoadParm()
lp.load(o.conf)
c = credentials.Credentials()
c.guess(lp)
name, _, password = o.user.partition("%")
domain, _, user = name.rpartition("/")
c.set_username(user)
c.set_password(password)
c.set_domain(domain)
c.set_kerberos_state(credentials.DONT_USE_KERBEROS)
conn = echo.rpcecho(o.binding, lp, c)

bytes_of = random.Random(o.seed).randbytes
spent = 0.0
for call in range(o.calls):
    data = bytes_of(o.size)
    begun = time.perf_counter()
    answer = conn.request(1, struct.pack("<II", o.size, o.size) + data)
    spent += time.perf_counter() - begun
    if answer != struct.pack("<I", o.size) + data:
        got = answer[4:]
        at = next((i for i, (a, b) in enumerate(zip(data, got)) if a != b), min(len(data), len(got)))
        sys.exit("call %d: %d bytes sent, %d came back, the first difference is at %d" % (call, len(data), len(got), at))
print(json.dumps({"calls": o.calls, "bytes": o.calls * o.size, "seconds": round(spent, 3)}))
