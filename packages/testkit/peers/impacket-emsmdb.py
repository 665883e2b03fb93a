#!/usr/bin/python3
"""impacket-emsmdb.py HOST PORT - one EMSMDB session, its parameters encoded and decoded by impacket's NDR.

  impacket-emsmdb.py 127.0.0.1 6001 --user DOMAIN/NAME:PASSWORD --user-dn /o=.../cn=alice

Logs on, opens the Inbox, lists some subjects by date, and disconnects.  Prints one line of JSON.  The
buffers in EcDoRpcExt2 are packed here, as [MS-OXCROPS] has them; nothing of them comes from impacket.
"""
import argparse, json, struct, sys
from impacket.dcerpc.v5 import epm, transport
from impacket.dcerpc.v5.dtypes import LONG, LPSTR, STR, ULONG, USHORT
from impacket.dcerpc.v5.ndr import NDRCALL, NDRSTRUCT, NDRUniConformantArray, NDRUniConformantVaryingArray, NDRUniFixedArray
from impacket.dcerpc.v5.rpcrt import DCERPCException, RPC_C_AUTHN_LEVEL_PKT_PRIVACY
from impacket.uuid import uuidtup_to_bin

EMSMDB = uuidtup_to_bin(("a4f1db00-ca47-1067-b31f-00dd010662da", "0.81"))
NO_HANDLE = 0xFFFFFFFF
NO_COMPRESSION, NO_XOR_MAGIC = 1, 2
SUBJECT, DELIVERY_TIME, MID = 0x0037001F, 0x0E060040, 0x674A0014


class CXH(NDRSTRUCT):
    align = 4
    structure = (("data", '20s=b""'),)
    def getAlignment(self):
        return 4


class VERSION(NDRUniFixedArray):
    align = 2
    def getDataLen(self, data, offset=0):
        return 6


class BYTES(NDRUniConformantArray):
    item = "c"


class VARYING(NDRUniConformantVaryingArray):
    item = "c"


class EcDoDisconnect(NDRCALL):
    opnum = 1
    structure = (("pcxh", CXH),)


class EcDoDisconnectResponse(NDRCALL):
    structure = (("pcxh", CXH), ("ErrorCode", ULONG))


class EcDummyRpc(NDRCALL):
    opnum = 6
    structure = ()


class EcDummyRpcResponse(NDRCALL):
    structure = (("ErrorCode", ULONG),)


class EcDoConnectEx(NDRCALL):
    opnum = 10
    structure = (
        ("szUserDN", STR), ("ulFlags", ULONG), ("ulConMod", ULONG), ("cbLimit", ULONG), ("ulCpid", ULONG),
        ("ulLcidString", ULONG), ("ulLcidSort", ULONG), ("ulIcxrLink", ULONG), ("usFCanConvertCodePages", USHORT),
        ("rgwClientVersion", VERSION), ("pulTimeStamp", ULONG), ("rgbAuxIn", BYTES), ("cbAuxIn", ULONG),
        ("pcbAuxOut", ULONG),
    )


class EcDoConnectExResponse(NDRCALL):
    structure = (
        ("pcxh", CXH), ("pcmsPollsMax", ULONG), ("pcRetry", ULONG), ("pcmsRetryDelay", ULONG), ("piCxr", USHORT),
        ("szDNPrefix", LPSTR), ("szDisplayName", LPSTR), ("rgwServerVersion", VERSION), ("rgwBestVersion", VERSION),
        ("pulTimeStamp", ULONG), ("rgbAuxOut", VARYING), ("pcbAuxOut", ULONG), ("ErrorCode", ULONG),
    )


class EcDoRpcExt2(NDRCALL):
    opnum = 11
    structure = (
        ("pcxh", CXH), ("pulFlags", ULONG), ("rgbIn", BYTES), ("cbIn", ULONG), ("pcbOut", ULONG),
        ("rgbAuxIn", BYTES), ("cbAuxIn", ULONG), ("pcbAuxOut", ULONG),
    )


class EcDoRpcExt2Response(NDRCALL):
    structure = (
        ("pcxh", CXH), ("pulFlags", ULONG), ("rgbOut", VARYING), ("pcbOut", ULONG), ("rgbAuxOut", VARYING),
        ("pcbAuxOut", ULONG), ("pulTransTime", ULONG), ("ErrorCode", ULONG),
    )


def checked(answer):
    if answer["ErrorCode"] != 0:
        sys.exit("%s: 0x%08x" % (type(answer).__name__, answer["ErrorCode"]))
    return answer


def joined(array):
    return b"".join(array)


class Session:
    def __init__(self, dce, user_dn):
        self.dce = dce
        request = EcDoConnectEx()
        for name, value in (
            ("szUserDN", user_dn + "\0"), ("ulFlags", 0), ("ulConMod", 0), ("cbLimit", 0), ("ulCpid", 1252),
            ("ulLcidString", 0x409), ("ulLcidSort", 0x409), ("ulIcxrLink", 0xFFFFFFFF), ("usFCanConvertCodePages", 1),
            ("rgwClientVersion", struct.pack("<3H", 12, 0x183E, 1000)), ("pulTimeStamp", 0), ("rgbAuxIn", b""),
            ("cbAuxIn", 0), ("pcbAuxOut", 0x1008),
        ):
            request[name] = value
        self.connected = checked(dce.request(request))
        self.cxh = self.connected["pcxh"]

    def rops(self, rops, handles):
        """Sends a list of ROPs over a handle table; the responses, and the handle table."""
        payload = struct.pack("<H", 2 + len(rops)) + rops + struct.pack("<%dI" % len(handles), *handles)
        request = EcDoRpcExt2()
        data = struct.pack("<4H", 0, 4, len(payload), len(payload)) + payload
        for name, value in (
            ("pcxh", self.cxh), ("pulFlags", NO_COMPRESSION | NO_XOR_MAGIC), ("rgbIn", data), ("cbIn", len(data)),
            ("pcbOut", 0x8007), ("rgbAuxIn", b""), ("cbAuxIn", 0), ("pcbAuxOut", 0x1008),
        ):
            request[name] = value
        answer = checked(self.dce.request(request))
        out = joined(answer["rgbOut"])
        assert answer["pcbOut"] == len(out)
        version, flags, size, actual = struct.unpack_from("<4H", out)
        # Last: one payload, neither compressed nor obfuscated.
        assert (version, flags, size, actual) == (0, 4, len(out) - 8, len(out) - 8)
        (rop_size,) = struct.unpack_from("<H", out, 8)
        table = out[8 + rop_size :]
        return out[10 : 8 + rop_size], struct.unpack("<%dI" % (len(table) // 4), table)

    def disconnect(self):
        request = EcDoDisconnect()
        request["pcxh"] = self.cxh
        return checked(self.dce.request(request))["pcxh"]["data"]


def head(responses, at, rop, index):
    assert struct.unpack_from("<BBI", responses, at) == (rop, index, 0), responses[at:].hex()
    return at + 6


p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
p.add_argument("host")
p.add_argument("port", type=int)
p.add_argument("--user", required=True)
p.add_argument("--user-dn", required=True)
o = p.parse_args()

account, _, password = o.user.partition(":")
domain, _, user = account.rpartition("/")
rpc = transport.DCERPCTransportFactory("ncacn_ip_tcp:%s[%d]" % (o.host, o.port))
rpc.set_credentials(user, password, domain)
dce = rpc.get_dce_rpc()
dce.set_auth_level(RPC_C_AUTHN_LEVEL_PKT_PRIVACY)
dce.connect()
dce.bind(EMSMDB)
checked(dce.request(EcDummyRpc()))

session = Session(dce, o.user_dn)
connected = session.connected
essdn = o.user_dn.encode("ascii") + b"\0"
logon = struct.pack("<BBBBIIH", 0xFE, 0, 0, 1, 0x0100040C, 0, len(essdn)) + essdn
responses, (store,) = session.rops(logon, [NO_HANDLE])
at = head(responses, 0, 0xFE, 0)
folders = struct.unpack_from("<13Q", responses, at + 1)

# The Inbox is the fifth folder ([MS-OXCSTOR] 2.2.1.1.3).
columns = struct.pack("<H3I", 3, SUBJECT, DELIVERY_TIME, MID)
rops = struct.pack("<BBBBQB", 0x02, 0, 0, 1, folders[4], 0)
rops += struct.pack("<BBBBB", 0x05, 0, 1, 2, 0)
rops += struct.pack("<BBBB", 0x12, 0, 2, 0) + columns
rops += struct.pack("<BBBBHHHIB", 0x13, 0, 2, 0, 1, 0, 0, DELIVERY_TIME, 1)
rops += struct.pack("<BBBBBH", 0x15, 0, 2, 0, 1, 5)
responses, handles = session.rops(rops, [store, NO_HANDLE, NO_HANDLE])
at = head(responses, 0, 0x02, 1) + 2
at = head(responses, at, 0x05, 2)
(count,) = struct.unpack_from("<I", responses, at)
at = head(responses, at + 4, 0x12, 2) + 1
at = head(responses, at, 0x13, 2) + 1
at = head(responses, at, 0x15, 2)
origin, rows = struct.unpack_from("<BH", responses, at)
at += 3
subjects = []
for _ in range(rows):
    # Every value is there: a StandardPropertyRow ([MS-OXCDATA] 2.8.1.1).
    assert responses[at] == 0, responses[at:].hex()
    end = at + 1
    while responses[end : end + 2] != b"\0\0":
        end += 2
    subjects.append(responses[at + 1 : end].decode("utf-16-le"))
    at = end + 2 + 8 + 8
assert at == len(responses), "%d bytes are left" % (len(responses) - at)
null = session.disconnect()
again = None
try:
    session.disconnect()
except DCERPCException as error:
    again = str(error)
print(json.dumps({
    "displayName": connected["szDisplayName"].rstrip("\0"),
    "dnPrefix": connected["szDNPrefix"].rstrip("\0"),
    "pollsMax": connected["pcmsPollsMax"],
    "bestVersion": struct.unpack("<3H", connected["rgwBestVersion"]),
    "auxOut": joined(connected["rgbAuxOut"]).hex(),
    "auxOutSize": connected["pcbAuxOut"],
    "folders": len(set(folders)),
    "inbox": count,
    "subjects": subjects,
    "handle": null.hex(),
    "again": again,
}))
