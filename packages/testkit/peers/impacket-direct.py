#!/usr/bin/python3
"""impacket-direct.py HOST PORT - impacket's plain ncacn_http transport against an RPC server's own port.

Without RpcProxy impacket speaks version 1 of RPC over HTTP without any HTTP: it connects to the port, wants the first read to
be exactly the server's banner, and binds.  Calls rpcecho: AddOne, EchoData, SourceData.
"""
import argparse, struct
from impacket import uuid
from impacket.dcerpc.v5 import transport

p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
p.add_argument("host")
p.add_argument("port", type=int)
p.add_argument("--echo", default="1,1000,100000", help="EchoData sizes")
p.add_argument("--source", default="100000,300000", help="SourceData sizes (the reply is what is large)")
o = p.parse_args()

dce = transport.DCERPCTransportFactory("ncacn_http:%s[%d]" % (o.host, o.port)).get_dce_rpc()
dce.connect()
print("banner ok")
dce.bind(uuid.uuidtup_to_bin(("60a15ec5-4de8-11d7-a637-005056a20182", "1.0")))
print("bind ok")


def call(opnum, stub):
    dce.call(opnum, stub)
    return dce.recv()


assert call(0, struct.pack("<I", 41)) == struct.pack("<I", 42)
print("AddOne ok")
for n in map(int, filter(None, o.echo.split(","))):
    data = bytes(i * 7 & 255 for i in range(n))
    pad = b"\0" * (-n % 4)
    assert call(1, struct.pack("<II", n, n) + data + pad)[:4 + n] == struct.pack("<I", n) + data
    print("EchoData %d ok" % n)
for n in map(int, filter(None, o.source.split(","))):
    assert call(3, struct.pack("<I", n))[:4 + n] == struct.pack("<I", n) + bytes(i & 255 for i in range(n))
    print("SourceData %d ok" % n)
dce.disconnect()
