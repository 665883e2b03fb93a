#!/usr/bin/python3
"""impacket-nspi.py HOST PORT - operations of NSPI, called with impacket's own declarations of them.

  impacket-nspi.py 127.0.0.1 6004 --user DOMAIN/NAME:PASSWORD --user-dn /o=.../cn=alice

Calls operations that exchanger.py does not, and prints one line of JSON with what each answered.
"""
import argparse, json
from impacket.dcerpc.v5 import nspi, transport
from impacket.dcerpc.v5.dtypes import NULL
from impacket.dcerpc.v5.rpcrt import DCERPCException, RPC_C_AUTHN_LEVEL_PKT_PRIVACY

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
dce.bind(nspi.MSRPC_UUID_NSPI)


def tags(array):
    return [tag["Data"] for tag in array["aulPropTag"]]


def stat(record=0):
    value = nspi.STAT()
    for name in ("SortType", "ContainerID", "Delta", "NumPos", "TotalRecs"):
        value[name] = 0
    value["CurrentRec"] = record
    value["CodePage"], value["TemplateLocale"], value["SortLocale"] = 1252, 0x409, 0x409
    return value


handle = nspi.hNspiBind(dce, stat())["contextHandle"]
said = {}

answer = nspi.hNspiDNToMId(dce, handle, [o.user_dn])
(mid,) = tags(answer["ppOutMIds"])

answer = nspi.hNspiUpdateStat(dce, handle, stat(2), NULL)
said["NspiUpdateStat"] = [answer["ErrorCode"], answer["pStat"]["NumPos"], answer["pStat"]["TotalRecs"]]

answer = nspi.hNspiGetPropList(dce, handle, mid, 0, 1252)
said["NspiGetPropList"] = tags(answer["ppOutMIds"])

request = nspi.NspiCompareMIds()
request["hRpc"], request["Reserved"], request["pStat"] = handle, 0, stat()
request["MId1"], request["MId2"] = mid, mid
answer = dce.request(request)
said["NspiCompareMIds"] = [answer["ErrorCode"], answer["plResult"]]

answer = nspi.hNspiGetTemplateInfo(dce, handle, NULL, 0x409, 0, 1252, 1)
said["NspiGetTemplateInfo"] = {tag: len(value) for tag, value in nspi.simplifyPropertyRow(answer["ppData"]).items()}

answer = nspi.hNspiQueryColumns(dce, handle)
said["NspiQueryColumns"] = tags(answer["ppColumns"])

for name, call in (("NspiResolveNames", nspi.hNspiResolveNames), ("NspiResolveNamesW", nspi.hNspiResolveNamesW)):
    answer = call(dce, handle, 0, [0x3001001E], NULL, [user, "nobody"])
    rows = [nspi.simplifyPropertyRow(row) for row in answer["ppRows"]["aRow"]]
    said[name] = [tags(answer["ppMIds"]), [row[0x3001001E] for row in rows]]

answer = nspi.hNspiGetNamesFromIDs(dce, handle, NULL, [0x8001001F])
said["NspiGetNamesFromIDs"] = [answer["ErrorCode"], len(answer["ppNames"]["aulPropTag"])]

try:
    nspi.hNspiModLinkAtt(dce, handle, 0, 0x8009000D, mid, [])
    said["NspiModLinkAtt"] = "done"
except DCERPCException as error:
    said["NspiModLinkAtt"] = "%08x" % error.get_error_code()

said["NspiUnbind"] = nspi.hNspiUnbind(dce, handle)["ErrorCode"]
print(json.dumps(said))
