#!/usr/bin/python3
"""gensec.py client|server MECHANISM - one security context of Samba, led by its standard input.

MECHANISM is ntlmssp or spnego.  Each line is a command and its arguments in hex, and is answered with one line:

    update TOKEN         more TOKEN | done TOKEN         the next token; "-" is an empty one
    sign DATA            ok SIGNATURE                    of DATA as a whole PDU
    check DATA SIGNATURE ok -
    wrap DATA            ok SIGNATURE+SEALED             sealed with --level seal, else signed
    unwrap DATA          ok DATA

What Samba refuses is answered with "error" and its reason.  The client needs --user and --password, and is anonymous without them;
the server takes the accounts of the Samba whose configuration is --conf.
"""
import argparse, os, sys, tempfile
from samba import auth, credentials, gensec, param

p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
p.add_argument("role", choices=["client", "server"])
p.add_argument("mechanism", choices=["ntlmssp", "spnego"])
p.add_argument("--level", choices=["connect", "sign", "seal"], default="seal")
p.add_argument("--user", default="")
p.add_argument("--domain", default="")
p.add_argument("--password", default="")
p.add_argument("--kerberos", action="store_true", help="lets the client offer Kerberos before NTLM")
p.add_argument("--conf", help="smb.conf; default: none")
p.add_argument("--host", default="localhost", help="the server, for Kerberos")
o = p.parse_args()

lp = param.LoadParm()
if o.conf:
    lp.load(o.conf)
else:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write("[global]\nnetbios name = CLIENT\nworkgroup = PEER\n")
        f.flush()
        lp.load(f.name)

settings = {"lp_ctx": lp, "target_hostname": o.host}
creds = credentials.Credentials()
creds.guess(lp)
if o.role == "client":
    if o.user:
        creds.set_username(o.user)
        creds.set_domain(o.domain)
        creds.set_password(o.password)
    else:
        creds.set_anonymous()
    if not o.kerberos:
        creds.set_kerberos_state(credentials.DONT_USE_KERBEROS)
    context = gensec.Security.start_client(settings)
else:
    creds.set_machine_account(lp)
    context = gensec.Security.start_server(settings, auth.AuthContext(lp_ctx=lp))
context.set_credentials(creds)
context.set_target_service("host")
context.set_target_hostname(o.host)
context.want_feature({"connect": gensec.FEATURE_SESSION_KEY, "sign": gensec.FEATURE_SIGN, "seal": gensec.FEATURE_SEAL}[o.level])
context.start_mech_by_name(o.mechanism)


def answer(command, *args):
    if command == "update":
        done, token = context.update(*args)
        return "done" if done else "more", token
    if command == "sign":
        return "ok", context.sign_packet(args[0], args[0])
    if command == "check":
        context.check_packet(args[0], args[0], args[1])
        return "ok", b""
    return "ok", {"wrap": context.wrap, "unwrap": context.unwrap}[command](*args)


for line in sys.stdin:
    command, *args = line.split()
    try:
        word, data = answer(command, *[bytes.fromhex(a.strip("-")) for a in args])
        print(word, (data or b"").hex() or "-", flush=True)
    except Exception as e:
        print("error", repr(e), flush=True)
