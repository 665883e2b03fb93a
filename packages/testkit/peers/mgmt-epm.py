#!/usr/bin/python3
"""Samba's client at the management interface and at the endpoint mapper of one endpoint, whatever the way to it; prints what they said as JSON.

For ways that smbtorture's rpc.mgmt cannot go: it asks the endpoint mapper anonymously, over HTTP too, where no RPC Proxy lets it pass.
"""
import argparse
import json

from samba.credentials import DONT_USE_KERBEROS, Credentials
from samba.dcerpc import epmapper, mgmt, misc
from samba.param import LoadParm

arguments = argparse.ArgumentParser()
arguments.add_argument('binding', help="Samba's string binding, with an endpoint")
arguments.add_argument('--user', required=True, help='DOMAIN/USER%%PASSWORD')
arguments.add_argument('--conf', required=True)
chosen = arguments.parse_args()

lp = LoadParm(chosen.conf)
account, password = chosen.user.split('%', 1)
domain, user = account.split('/', 1)
creds = Credentials()
creds.guess(lp)
creds.set_kerberos_state(DONT_USE_KERBEROS)
creds.set_domain(domain)
creds.set_username(user)
creds.set_password(password)

management = mgmt.mgmt(chosen.binding, lp, creds)
offered = [str(entry.id.uuid) for entry in management.inq_if_ids().if_id]
listening, _ = management.is_server_listening()
statistics = management.inq_stats(4, 0)

mapper = epmapper.epmapper(chosen.binding, lp, creds)
nothing = misc.policy_handle()
_, entries, _ = mapper.epm_Lookup(0, None, None, 1, nothing, 100)
print(json.dumps({
    'offered': offered,
    'listening': listening == 0,
    'statistics': statistics.count,
    'annotations': sorted({entry.annotation for entry in entries}),
}))
