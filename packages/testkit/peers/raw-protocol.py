#!/usr/bin/python3
"""Runs Samba's tests of the bare DCE/RPC protocol (samba.tests.dcerpc.raw_protocol) against a server and prints what became of each as JSON.

The settings are those of the tests themselves: SERVER, TARGET_HOSTNAME, DOMAIN, REALM, USERNAME, PASSWORD, MAX_NUM_AUTH. Besides:

--no-kerberos     SPNEGO negotiates NTLM at once: for servers without Kerberos, whose authentication has the legs that the tests expect then
--pipes-on PORT   where a test opens a named pipe over SMB, it connects to this TCP port: for servers without SMB
"""
import argparse
import json
import os
import sys
import unittest

import samba.tests.dcerpc.raw_protocol as raw_protocol
from samba.credentials import DONT_USE_KERBEROS
from samba.tests.dcerpc.raw_testcase import RawDCERPCTest

arguments = argparse.ArgumentParser()
arguments.add_argument('--no-kerberos', action='store_true')
arguments.add_argument('--pipes-on', type=int)
arguments.add_argument('tests', nargs='*', help='names of tests; all by default')
chosen = arguments.parse_args()

if chosen.no_kerberos:
    get_user_creds = RawDCERPCTest.get_user_creds

    def get_user_creds_for_ntlm(self):
        creds = get_user_creds(self)
        creds.set_kerberos_state(DONT_USE_KERBEROS)
        return creds

    RawDCERPCTest.get_user_creds = get_user_creds_for_ntlm

if chosen.pipes_on is not None:
    def connect_tcp_instead(self):
        self.primary_address = str(chosen.pipes_on)
        self.secondary_address = None
        self._connect_tcp()

    RawDCERPCTest._connect_smb = connect_tcp_instead


class Collected(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = []

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed.append(name_of(test))


def name_of(test):
    return test.id().rsplit('.', 1)[-1]


loader = unittest.TestLoader()
if chosen.tests:
    suite = unittest.TestSuite(raw_protocol.TestDCERPC_BIND(name) for name in chosen.tests)
else:
    suite = loader.loadTestsFromModule(raw_protocol)
result = Collected()
with open(os.devnull, 'w') as nowhere:
    told, sys.stderr = sys.stderr, nowhere
    suite.run(result)
    sys.stderr = told
failed = {name_of(test): why.strip().split('\n')[-1] for test, why in result.failures + result.errors}
skipped = {name_of(test): why for test, why in result.skipped}
print(json.dumps({'passed': sorted(result.passed), 'failed': failed, 'skipped': skipped}, indent=1))
